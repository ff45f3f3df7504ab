//! One step of a task: a title, a command, a verdict and the seconds it took.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

/// How a step ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It ran and is content.
    Passed,
    /// It ran and is not.
    Failed(String),
    /// Something it needs is missing; says what, and how to get it.
    Skipped(String),
}

/// What is printed at the end of a task.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<(String, Verdict, u64)>,
}

impl Report {
    /// Runs a step and goes on whatever it says.
    pub(crate) fn step(&mut self, title: &str, step: impl FnOnce() -> Result<Verdict>) {
        eprintln!("\n==> {title}");
        let start = Instant::now();
        let verdict = step().unwrap_or_else(|error| Verdict::Failed(format!("{error:#}")));
        match &verdict {
            Verdict::Passed => {}
            Verdict::Failed(why) => eprintln!("FAILED: {why}"),
            Verdict::Skipped(why) => eprintln!("skipped: {why}"),
        }
        self.lines.push((title.to_owned(), verdict, start.elapsed().as_secs()));
    }

    /// Prints every step with its verdict; an error if one failed.
    pub(crate) fn finish(&self) -> Result<()> {
        eprintln!();
        for (title, verdict, seconds) in &self.lines {
            match verdict {
                Verdict::Passed => eprintln!("  ok       {seconds:>5} s  {title}"),
                Verdict::Failed(_) => eprintln!("  FAILED   {seconds:>5} s  {title}"),
                Verdict::Skipped(why) => eprintln!("  skipped  {seconds:>5} s  {title}: {why}"),
            }
        }
        let failed = self.lines.iter().filter(|(_, verdict, _)| matches!(verdict, Verdict::Failed(_))).count();
        if failed > 0 {
            bail!("{failed} of {} steps failed", self.lines.len());
        }
        Ok(())
    }
}

/// Runs a command with its output on ours.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("    $ {}", line(command));
    let status = command.status().with_context(|| format!("could not start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Runs commands in turn until one fails.
pub(crate) fn all(commands: impl IntoIterator<Item = Command>) -> Result<Verdict> {
    for mut command in commands {
        run(&mut command)?;
    }
    Ok(Verdict::Passed)
}

/// The command line as a person would type it.
fn line(command: &Command) -> String {
    let name = std::path::Path::new(command.get_program()).file_name().unwrap_or_default();
    std::iter::once(name).chain(command.get_args()).map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_failed_step_fails_the_task_and_the_later_steps_still_run() {
        let mut report = Report::default();
        let mut ran = false;
        report.step("first", || Ok(Verdict::Failed("on purpose".into())));
        report.step("second", || {
            ran = true;
            Ok(Verdict::Passed)
        });
        assert!(ran);
        assert_eq!(report.finish().unwrap_err().to_string(), "1 of 2 steps failed");
    }

    #[test]
    fn a_skipped_step_does_not_fail_the_task() {
        let mut report = Report::default();
        report.step("only", || Ok(Verdict::Skipped("`deny` is not installed".into())));
        assert!(report.finish().is_ok());
    }
}
