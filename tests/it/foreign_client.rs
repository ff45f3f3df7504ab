//! A client written by others, the official Python SDK, does the whole round on clusters (list, create, inspect, scale, delete) through
//! `portcullis`, the CNPG plugin and kubesim: over HTTP and over stdio, with the current protocol and with the older handshake.

use std::path::{Path, PathBuf};
use std::process::Command;

use kubesim::{Kubesim, Options};
use portcullis_tests::components::workspace;
use portcullis_tests::foreign;
use portcullis_tests::host::{Installation, portcullis};

#[test]
fn the_python_sdk_does_the_whole_round_over_http() {
    over_http("auto");
}

#[test]
fn the_python_sdk_does_the_whole_round_over_http_with_the_older_handshake() {
    over_http("legacy");
}

#[test]
fn the_python_sdk_does_the_whole_round_over_stdio() {
    over_stdio("auto");
}

#[test]
fn the_python_sdk_does_the_whole_round_over_stdio_with_the_older_handshake() {
    over_stdio("legacy");
}

fn over_http(mode: &str) {
    let Some(python) = python() else { return };
    let kubesim = Kubesim::start(Options::default()).unwrap();
    let host = installation(&kubesim).serve().unwrap();
    run(&python, &[mode, "http", host.url()], &mut || host.log());
}

fn over_stdio(mode: &str) {
    let Some(python) = python() else { return };
    let kubesim = Kubesim::start(Options::default()).unwrap();
    let installation = installation(&kubesim);
    let (program, config) = (portcullis().unwrap(), installation.config());
    run(&python, &[mode, "stdio", text(&program), text(&config)], &mut String::new);
}

fn python() -> Option<PathBuf> {
    let python = foreign::python().unwrap();
    if python.is_none() {
        eprintln!(
            "skipped: the official Python SDK needs python3 with venv; then run `cargo test --package portcullis-tests foreign_client`"
        );
    }
    python
}

fn installation(kubesim: &Kubesim) -> Installation {
    Installation::new(&[("portcullis-cnpg", "plugins/cnpg")], Some(&kubesim.kubeconfig_yaml("anybody"))).unwrap()
}

fn run(python: &Path, arguments: &[&str], log: &mut dyn FnMut() -> String) {
    let output = Command::new(python).arg(workspace().join("tests/it/foreign_client.py")).args(arguments).output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complained}\n{}", log());
    assert!(said.ends_with("the whole round is done\n"), "{said}\n{complained}");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
