//! Nothing that lets somebody in is ever written down: after logins, refreshes, mistakes and an outage, every file of the host's folder and
//! everything that clients were told is searched. The host logs all that it can.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_tests::application::{VERIFIER, agent};
use portcullis_tests::browser::Browser;
use portcullis_tests::idp::{CLIENT_SECRET, INTROSPECTION_SECRET};
use portcullis_tests::logins::{MASTER, Plan, Rig, provider_tokens};
use serde_json::{Value, json};

use crate::auth_rig::{files, whoami};

/// All that the host can say, but for the compiler of plugins, which sees no secret and says gigabytes.
const EVERYTHING: &str =
    "trace,cranelift_codegen=info,regalloc2=info,wasmtime=info,wasmtime_cranelift=info,wasmtime_internal_cranelift=info";

/// What is searched for, with a name that a failure can show.
type Secrets = Vec<(String, String)>;

#[test]
fn no_token_code_verifier_or_secret_is_in_any_file_or_error_page() {
    let Some(plan) = Plan::new() else { return };
    let rig = plan.serve_logging(EVERYTHING);
    let (secrets, told) = history(&rig);
    assert!(secrets.len() > 15, "{secrets:?}");
    let folder = rig.host.installation().path();
    let found = files(folder).into_iter().filter(|(path, _)| !is_the_operators(path));
    let mut searched = Vec::new();
    for (path, content) in found.chain(told) {
        for (what, secret) in &secrets {
            assert!(!holds(&content, secret), "{what} is in {path}:\n{}", line_of(&content, secret));
        }
        searched.push(path);
    }
    for expected in ["host.log", "audit.jsonl", "portcullis.db"] {
        assert!(searched.iter().any(|path| path.ends_with(expected)), "{expected} was not searched: {searched:?}");
    }
    let log = rig.host.log();
    assert!(log.contains("TRACE") && log.len() > 10_000, "the log is not at its most talkative: {} bytes", log.len());
}

/// Files that the operator wrote, and plugins.
fn is_the_operators(path: &str) -> bool {
    ["/provider", "/introspection", "/master", ".yaml", ".wasm"].iter().any(|end| path.ends_with(end)) || path.contains("/cache/")
}

/// All kinds of things that happen; what was secret in them, and what was answered to mistakes.
fn history(rig: &Rig) -> (Secrets, Vec<(String, Vec<u8>)>) {
    let (app, mut secrets, mut told) = (rig.app(), Secrets::new(), Vec::new());
    rig.idp.control(&json!({"accessTokenTTL": 61})).unwrap();
    let code = app.code("alice", &rig.mcp(), "read write");
    let tokens = app.redeem(&code).1;
    let next = app.refresh(&tokens["refresh_token"]).1;
    whoami(&rig.mcp(), &next["access_token"]).unwrap();
    let direct = provider_tokens(&rig.idp, "bob", &rig.direct());
    whoami(&rig.direct(), &direct["access_token"]).unwrap();
    rig.idp.control(&json!({"format": "opaque"})).unwrap();
    let opaque = provider_tokens(&rig.idp, "bob", &rig.direct());
    whoami(&rig.direct(), &opaque["access_token"]).unwrap();

    // Mistakes: tokens at the wrong door, a code twice, in another browser, with secrets where none belong.
    assert_eq!(whoami(&rig.mcp(), &direct["access_token"]), Err(401));
    assert_eq!(whoami(&rig.mcp(), &tokens["refresh_token"]), Err(401));
    let open = app.code("alice", &rig.mcp(), "read");
    let wrong = [
        agent().post(&app.token).send_form([("grant_type", "authorization_code"), ("code", &open), ("code_verifier", VERIFIER)]),
        agent().post(&app.token).header("authorization", format!("Bearer {open}")).send_form([("code", open.as_str())]),
        agent().get(format!("{}/auth/callback?state={open}&code={open}", rig.main)).call(),
        agent().get(format!("{}?access_token={}", rig.mcp(), next["access_token"].as_str().unwrap())).call(),
        agent().post(format!("{}/consent", rig.main)).send_form([
            ("request", open.as_str()),
            ("csrf", VERIFIER),
            ("answer", "approve"),
        ]),
    ];
    for (index, response) in wrong.into_iter().enumerate() {
        let mut response = response.unwrap();
        assert!(response.status().is_client_error(), "{index}: {}", response.status());
        told.push((format!("answer {index}"), response.body_mut().read_to_vec().unwrap()));
    }
    assert_eq!(app.redeem(&code).0, 400);
    rig.idp.control(&json!({"away": true})).unwrap();
    let mut browser = Browser::new(rig.idp.issuer());
    let page = browser.open(&app.authorization(&rig.mcp(), "read")).unwrap();
    told.push(("way to the provider".into(), browser.submit(&page, &[("answer", "approve")]).unwrap().url.into_bytes()));

    let issued = rig.idp.control(&json!({"away": false})).unwrap().issued;
    assert!(issued.len() > 5, "{issued:?}");
    secrets.extend(issued.into_iter().enumerate().map(|(index, token)| (format!("token {index} of the provider"), token)));
    for (name, answer) in [("first", &tokens), ("second", &next)] {
        for kind in ["access_token", "refresh_token"] {
            secrets.push((format!("{name} {kind}"), text(&answer[kind])));
        }
    }
    let rest = [
        ("code", code.as_str()),
        ("unused code", &open),
        ("verifier", VERIFIER),
        ("client secret", CLIENT_SECRET),
        ("introspection secret", INTROSPECTION_SECRET),
        ("master key", MASTER),
    ];
    secrets.extend(rest.map(|(what, secret)| (what.to_owned(), secret.to_owned())));
    // As they leave the host.
    for (user, secret) in [("portcullis", CLIENT_SECRET), ("resource-server", INTROSPECTION_SECRET)] {
        secrets.push((format!("credentials of {user}"), STANDARD.encode(format!("{user}:{secret}"))));
    }
    (secrets, told)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// Whole, or the signature of a JWT alone.
fn holds(content: &[u8], secret: &str) -> bool {
    let signature = secret.rsplit('.').next().filter(|part| part.len() > 30).unwrap_or(secret);
    String::from_utf8_lossy(content).contains(signature)
}

fn line_of(content: &[u8], secret: &str) -> String {
    let text = String::from_utf8_lossy(content);
    let signature = secret.rsplit('.').next().unwrap_or(secret);
    text.lines().find(|line| line.contains(signature)).unwrap_or_default().chars().take(600).collect()
}
