//! `portcullis stdio`.

use std::process::ExitCode;

use super::{ConfigFile, Outcome};

pub(super) fn run(file: &ConfigFile) -> Outcome {
    let runtime = super::runtime()?;
    runtime.block_on(crate::serve::stdio(&file.config))?;
    // A read of stdin cannot be cancelled: waiting for it would keep the process after its client is gone.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}
