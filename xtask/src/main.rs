//! `cargo xtask`: everything that builds, checks, shows or measures the whole tree. Only orchestration lives here: each task starts
//! the same programs that a person would start by hand, and prints their command lines.

mod bench;
mod checks;
mod demo;
mod plugins;
mod setup;
mod step;
mod test;
mod tree;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK

  setup               install what the build needs and rustup can bring (the wasm32-wasip2 target)
  plugins             build the plugins to target/plugins/*.wasm
  test                everything: format, lints, dependency rules, tests, plugins, conformance, foreign clients, docs, the demo's session
  demo [OPTIONS]      build, start the host with the CNPG plugin, run a scripted MCP session, leave the endpoint up
      --exit              end after the session
      --kubeconfig FILE   use this cluster instead of the built-in stand-in
      --listen ADDRESS    default 127.0.0.1:4204
  bench               the speed measurements (ratios in one run, never a test)
  ci                  the same as test
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> anyhow::Result<()> {
    match arguments.split_first() {
        Some((task, rest)) if task == "demo" => demo::run(&demo::Options::parse(rest)?),
        Some((task, [])) => match task.as_str() {
            "setup" => setup::run(),
            "plugins" => plugins::run().map(|_| ()),
            "test" | "ci" => test::run(),
            "bench" => bench::run(),
            "help" | "--help" | "-h" => {
                print!("{HELP}");
                Ok(())
            }
            other => anyhow::bail!("unknown task `{other}`\n\n{HELP}"),
        },
        Some((task, rest)) => anyhow::bail!("`{task}` takes no arguments, got {rest:?}\n\n{HELP}"),
        None => anyhow::bail!("say which task\n\n{HELP}"),
    }
}
