//! Programs by others log in through oauth-proxy: the OAuth client of the official Python SDK, and the authorization scenarios of the official
//! conformance suite.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use portcullis_tests::application::{HOME, agent};
use portcullis_tests::browser::{Browser, parameter};
use portcullis_tests::components::workspace;
use portcullis_tests::foreign::{self, Suite};
use portcullis_tests::host::portcullis;
use portcullis_tests::idp::free_port;
use portcullis_tests::logins::{Plan, Rig};
use serde_json::json;

use crate::auth_rig::whoami;

#[test]
fn the_python_sdk_registers_logs_in_refreshes_steps_up_and_is_out_after_revocation() {
    python(HOME, None);
}

#[test]
fn the_python_sdk_does_the_same_with_a_client_document() {
    // Claude Code's, whose copy is shipped with the strategy: nothing is fetched here, since no rule lets it out.
    python("http://127.0.0.1:3118/callback", Some("https://claude.ai/oauth/claude-code-client-metadata"));
}

fn python(redirect: &str, document: Option<&str>) {
    let Some(python) = foreign::python().unwrap() else {
        eprintln!(
            "skipped: the official Python SDK needs python3 with venv; then run `cargo test --package portcullis-tests auth`"
        );
        return;
    };
    let Some(rig) = Rig::start() else { return };
    let mut command = Command::new(python);
    command.arg(workspace().join("tests/it/auth_client.py")).args([&rig.mcp(), redirect]).args(document);
    let said = with_a_person(&rig, command, |line| line.strip_prefix("open "));
    assert!(said.ends_with("the whole login is done\n"), "{said}\n{}", rig.host.log());
}

#[test]
fn the_authorization_scenarios_of_the_conformance_suite_pass() {
    let Some(suite) = Suite::find().unwrap() else {
        eprintln!(
            "skipped: the conformance suite needs npm (install Node.js), then run `cargo test --package portcullis-tests auth`"
        );
        return;
    };
    let port = free_port().unwrap();
    let client = json!([{"id": "conformance", "name": "The suite", "redirectUris": ["http://127.0.0.1/callback"]}]);
    let Some(plan) = Plan::new() else { return };
    let rig = plan.with("oauth-proxy", "clients", client).serve();
    let output = tempfile::tempdir().unwrap();
    let mut command = suite.command();
    command.args(["authorization", "--url", &rig.main, "--client-id", "conformance", "--resource", &rig.mcp()]);
    command.args(["-p", &port.to_string(), "-o"]).arg(output.path());
    let said = with_a_person(&rig, command, |line| {
        line.find("http").map(|at| line[at..].trim()).filter(|url| url.contains("/authorize?"))
    });
    assert!(said.contains("3 passed, 0 failed"), "{said}\n{}", rig.host.log());
}

#[test]
fn our_own_login_prints_a_token_that_calls_a_tool_and_refreshes_it() {
    let Some(rig) = Rig::start() else { return };
    let state = rig.host.installation().path().join("person");
    let login = |more: &[&str]| {
        let mut command = Command::new("sh");
        // What is for people, the URL among it, is on standard error.
        command.args(["-c", r#"exec "$0" login --no-browser "$@" 2>&1"#]).arg(portcullis().unwrap()).arg(rig.mcp()).args(more);
        command.env("XDG_STATE_HOME", &state).env("XDG_CONFIG_HOME", &state).env("HOME", &state);
        let said = with_a_person(&rig, command, |line| {
            line.find("http").map(|at| line[at..].trim()).filter(|url| url.contains("/authorize?"))
        });
        json!(said.lines().last().unwrap_or_default())
    };
    let token = login(&["--scope", "read write"]);
    assert!(whoami(&rig.mcp(), &token).unwrap().starts_with("alice@"), "{token}");
    assert_eq!(login(&[]), token, "it is kept");
    let next = login(&["--refresh"]);
    assert!(next != token && whoami(&rig.mcp(), &next).is_ok(), "{next}");
}

/// Runs a program; each URL that it wants opened is, and it hears on standard input where the browser ended.
fn with_a_person(rig: &Rig, mut command: Command, wanted: impl Fn(&str) -> Option<&str>) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(url) = wanted(&line) {
            let home = parameter(url, "redirect_uri").unwrap();
            let landed = Browser::new(&home).log_in(url, "alice").unwrap_or_else(|error| panic!("{error:#}\n{}", rig.host.log()));
            // Who listens there itself hears it there.
            let _ = agent().get(&landed).call();
            let _ = writeln!(child.stdin.as_ref().unwrap(), "{landed}");
        }
        said.push_str(&line);
        said.push('\n');
    }
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}\n{said}\n{}", rig.host.log());
    said
}
