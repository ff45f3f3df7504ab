//! `portcullis serve`.

use std::process::ExitCode;

use super::{ConfigFile, Outcome};

pub(super) fn run(file: &ConfigFile) -> Outcome {
    super::runtime()?.block_on(crate::serve::run(&file.config))?;
    Ok(ExitCode::SUCCESS)
}
