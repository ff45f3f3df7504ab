//! Passwords of roles through the whole host at its most talkative: in the Secrets and nowhere else, whatever was asked and however it went.

use kubesim::{Fault, Kubesim, Matcher, Options};
use portcullis_tests::host::{Host, Installation};
use serde_json::{Value, json};

use crate::serve_rig::{Client, until};

/// What a caller passes in clear. It is in no word that anybody else says.
const OWN: &str = "zebra-Quux-7731";
/// One that is no string, though the tool wants one.
const MISTYPED: i64 = 770_812_345_901;

/// Everything, except what the compiler says of its own work: gigabytes, and of no caller.
const LOG: &str = "trace,cranelift_codegen=info,cranelift_frontend=info,regalloc2=info,wasmtime=info,wasmtime_environ=info,\
    wasmtime_internal_cranelift=info";

fn talkative(kubesim: &Kubesim) -> Host {
    let installation =
        Installation::new(&[("portcullis-cnpg", "plugins/cnpg")], Some(&kubesim.kubeconfig_yaml("anybody"))).unwrap();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(installation.config()).unwrap()).unwrap();
    config["plugins"]["cnpg"]["settings"] = json!({"profile": "admin"});
    config["audit"] = json!({"path": "audit.log"});
    installation.configure(&config).unwrap();
    installation.serve_with(&[("PORTCULLIS_LOG", LOG)]).unwrap()
}

fn role(extra: &Value) -> Value {
    let mut arguments = json!({"cluster_name": "orders", "namespace": "demo", "role_name": "reporting"});
    arguments.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    arguments
}

/// All that came out of the host.
struct Said {
    client: Client,
    answers: Vec<String>,
}

impl Said {
    fn ask(&mut self, tool: &str, arguments: &Value) -> Value {
        let (_, answer) = self.client.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        self.answers.push(answer.to_string());
        answer
    }

    fn fine(&mut self, tool: &str, arguments: &Value) {
        let answer = self.ask(tool, arguments);
        assert_eq!(answer["result"]["isError"], false, "{tool}: {answer}");
    }

    fn fails(&mut self, tool: &str, arguments: &Value) {
        let answer = self.ask(tool, arguments);
        assert!(answer["error"].is_object() || answer["result"]["isError"] == true, "{tool}: {answer}");
    }

    /// Nothing that was said, logged or recorded holds any of these, plain or as a Secret holds it.
    fn never(&self, host: &Host, passwords: &[String]) {
        let trail = std::fs::read_to_string(host.installation().path().join("audit.log")).unwrap();
        let log = host.log();
        assert!(trail.contains("update_postgres_role") && log.contains("TRACE"), "nothing was recorded: {trail}");
        let places = self.answers.iter().map(|one| ("an answer", one)).chain([("the audit trail", &trail), ("the log", &log)]);
        for (place, text) in places {
            for password in passwords {
                let line = text.lines().find(|line| line.contains(password.as_str()));
                assert!(line.is_none(), "{place} holds `{password}`: {line:?}");
            }
        }
    }
}

/// The password as kubesim's Secret holds it (base64), and in clear.
fn stored(kubesim: &Kubesim) -> Option<[String; 2]> {
    let secret = kubesim.get("Secret", "demo", "cnpg-orders-user-reporting")?;
    let encoded = secret["data"]["password"].as_str()?.to_owned();
    let plain = String::from_utf8(base64(&encoded)).unwrap();
    Some([encoded, plain])
}

/// RFC 4648; enough for what a test reads.
fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits =
        text.chars().filter_map(|one| DIGITS.find(one)).flat_map(|value| (0..6).rev().map(move |bit| value >> bit & 1 == 1));
    let bits: Vec<bool> = bits.collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect()
}

/// Every tool that has to do with the role, while it exists.
fn look(said: &mut Said) {
    said.fine("list_postgres_roles", &json!({"cluster_name": "orders", "namespace": "demo"}));
    said.fine("get_postgres_role_status", &role(&json!({"format": "json"})));
    for format in ["text", "json", "uri", "psql", "jdbc", "env", "k8s-snippet"] {
        said.fine("get_connection_info", &json!({"name": "orders", "namespace": "demo", "role": "reporting", "format": format}));
    }
}

#[test]
fn passwords_that_are_made_are_in_their_secret_and_nowhere_else() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    let host = talkative(&kubesim);
    let mut said = Said { client: Client::new(host.url()), answers: Vec::new() };
    said.fine("create_postgres_role", &role(&json!({"wait": false})));
    let first = until(&host, "the Secret", || stored(&kubesim));
    look(&mut said);
    said.fine("update_postgres_role", &role(&json!({"reset_password": true, "dry_run": true, "wait": false})));
    said.fine("update_postgres_role", &role(&json!({"reset_password": true, "wait": false})));
    let second = stored(&kubesim).unwrap();
    assert_ne!(first, second, "the password was not rotated");
    assert_eq!(second[1].len(), 32);
    look(&mut said);
    said.fine("update_postgres_role", &role(&json!({"comment": "reads", "wait": false})));
    kubesim.faults().fail_always(Matcher::on("patch", "secrets"), Fault::Status { code: 500, retry_after: None });
    said.fails("update_postgres_role", &role(&json!({"reset_password": true, "wait": false})));
    kubesim.faults().clear();
    said.fine("delete_postgres_role", &role(&json!({"drop_role": true, "confirm_name": "reporting", "wait": false})));
    said.never(&host, &[first, second].concat());
}

#[test]
fn a_callers_own_password_is_not_repeated_whether_it_is_taken_refused_or_mistyped() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    let host = talkative(&kubesim);
    let mut said = Said { client: Client::new(host.url()), answers: Vec::new() };
    said.fails("create_postgres_role", &role(&json!({"password": OWN})));
    said.fine("create_postgres_role", &role(&json!({"wait": false})));
    said.fine("update_postgres_role", &role(&json!({"password": OWN, "wait": false})));
    let taken = stored(&kubesim).unwrap();
    assert_eq!(taken[1], OWN);
    said.fails("update_postgres_role", &role(&json!({"password": MISTYPED})));
    said.fails("update_postgres_role", &role(&json!({"password": {"value": OWN}})));
    said.fails("update_postgres_role", &role(&json!({"password": [OWN, OWN]})));
    said.fails("update_postgres_role", &role(&json!({"password": OWN.repeat(100)})));
    said.fails("update_postgres_role", &role(&json!({"password": OWN, "reset_password": true})));
    said.fails("update_postgres_role", &role(&json!({"password": OWN, "no_such_parameter": OWN})));
    let planned = |password: Value| json!({"tool": "update_postgres_role", "arguments": role(&json!({"password": password}))});
    said.fine("plan_change", &planned(json!(OWN)));
    for mistyped in [json!(MISTYPED), json!({"value": OWN}), json!([OWN])] {
        said.fails("plan_change", &planned(mistyped));
    }
    kubesim.faults().fail_always(Matcher::on("patch", "secrets"), Fault::Status { code: 422, retry_after: None });
    said.fails("update_postgres_role", &role(&json!({"password": OWN, "wait": false})));
    said.never(&host, &[taken.to_vec(), vec![MISTYPED.to_string()]].concat());
}
