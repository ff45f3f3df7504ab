//! The command line as a person or a script meets it: what is on standard output, and the exit code.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use portcullis_core::audit::{AuditOutcome, AuditRecord};
use portcullis_core::ports::AuditSink as _;
use portcullis_store::AuditLog;
use portcullis_tests::components::{self, guest};

fn portcullis(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("XDG_STATE_HOME", folder.join("state"))
        .env_remove("KUBECONFIG")
        .env_remove("PORTCULLIS_LOG");
    command.args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    std::fs::write(folder.path().join("portcullis.yaml"), config).unwrap();
    folder
}

fn install(folder: &Path, component: &Path) {
    std::fs::copy(component, folder.join("plugins").join(component.file_name().unwrap())).unwrap();
}

#[test]
fn check_prints_every_finding_and_fails() {
    let folder = folder("listTtlMs: soon\nplugns: {}\n");
    let output = portcullis(folder.path(), &["check"]);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(text.starts_with("error: portcullis.yaml:1:12: listTtlMs: is text, but must be a whole number\n"), "{text}");
    assert!(text.ends_with("error: portcullis.yaml:2:1: plugns: is not a known key\n    did you mean `plugins`?\n"), "{text}");
    assert_eq!(complained(&output), "portcullis.yaml: errors: 2, warnings: 0\n");
}

#[test]
fn check_is_content_with_a_good_configuration() {
    let folder = folder("plugins: {add: {}}\n");
    install(folder.path(), &guest("add").unwrap());
    let output = portcullis(folder.path(), &["check", "-o", "json"]);
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), "[]\n"), "{}", complained(&output));
}

#[test]
fn check_loads_plugins_and_prints_the_yaml_that_is_missing() {
    let folder = folder("plugins: {dice: {}, absent: {}}\n");
    install(folder.path(), &guest("clocks_random").unwrap());
    install(folder.path(), &guest("echo").unwrap());
    let output = portcullis(folder.path(), &["check"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let parts =
        ["plugin dice: imports", "random: true", "plugin echo: has no entry under `plugins`", "plugins.absent: no file in"];
    for part in parts {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let folder = folder("");
    let output = portcullis(folder.path(), &["check", "--config", "other.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).starts_with("error: other.yaml: configuration: cannot be read: "), "{}", said(&output));
}

#[test]
fn serve_refuses_an_open_address_without_a_guard_and_says_where() {
    let folder = folder("listeners:\n- name: open\n  address: 0.0.0.0:4204\n");
    let output = portcullis(folder.path(), &["serve"]);
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(1), ""));
    let text = complained(&output);
    assert!(text.contains("portcullis.yaml:2:3: listeners[0].endpoints[0].guard: nobody is asked"), "{text}");
    assert!(!text.contains("error: portcullis.yaml:2"), "the log's level says it already: {text}");
}

#[test]
fn a_wrong_command_line_is_refused_with_code_2() {
    let folder = folder("");
    assert_eq!(portcullis(folder.path(), &["check", "--nonsense"]).status.code(), Some(2));
    assert_eq!(portcullis(folder.path(), &[]).status.code(), Some(2));
}

#[test]
fn help_says_what_exit_codes_mean() {
    let text = said(&portcullis(folder("").path(), &["--help"]));
    for code in [
        "  0  done",
        "  1  it did not work",
        "  2  the command line is wrong",
        "  3  `plugin call`",
        "  4  `login`",
        "  5  `login`",
    ] {
        assert!(text.contains(code), "{code} is missing in:\n{text}");
    }
}

#[test]
fn login_prints_nothing_but_tokens_and_says_what_to_type() {
    let folder = folder("");
    for (arguments, code, words) in [
        (&["login", "http://host.example/mcp"][..], 1, "plain http is for this machine only"),
        (&["login", "http://127.0.0.1:1/mcp"], 1, "`127.0.0.1` does not answer"),
        (&["login", "http://127.0.0.1:1/mcp", "--refresh"], 4, "log in: `portcullis login http://127.0.0.1:1/mcp`"),
        (&["login", "https://h/", "--refresh", "--force"], 2, "cannot be used with"),
    ] {
        let output = portcullis(folder.path(), arguments);
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(code), ""), "{arguments:?}");
        assert!(complained(&output).contains(words), "{}", complained(&output));
    }
    assert!(folder.path().join("state/portcullis/tokens.lock").exists(), "it keeps tokens in the user's state folder");
}

#[test]
fn completion_prints_a_script_for_each_shell() {
    let folder = folder("");
    for shell in ["bash", "zsh", "fish"] {
        let output = portcullis(folder.path(), &["completion", shell]);
        assert!(output.status.success() && said(&output).contains("verify"), "{shell}");
    }
}

#[test]
fn the_committed_schema_is_the_one_of_this_build() {
    let folder = folder("");
    let schema = said(&portcullis(folder.path(), &["check", "--schema"]));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("portcullis.schema.json");
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == schema, "write it anew: portcullis check --schema > host/portcullis.schema.json");
}

#[test]
fn the_committed_schema_of_plugin_yaml_is_the_one_of_this_build_and_the_readme_names_its_keys() {
    let schema = said(&portcullis(folder("").path(), &["plugin", "validate", "--schema"]));
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/sdk");
    let committed = std::fs::read_to_string(sdk.join("plugin.schema.json")).unwrap_or_default();
    assert!(committed == schema, "write it anew: portcullis plugin validate --schema > plugins/sdk/plugin.schema.json");
    let readme = std::fs::read_to_string(sdk.join("README.md")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&schema).unwrap();
    for key in document["properties"].as_object().unwrap().keys() {
        assert!(readme.contains(&format!("| `{key}` |")), "{key} is missing in the SDK's README");
    }
}

/// On the fixture of the conformance tests, in the folder where those build it too.
#[test]
fn build_makes_a_component_of_a_folder_with_a_cargo_toml() {
    let folder = folder("");
    let source = components::workspace().join("tests/conformance");
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.current_dir(folder.path()).args(["plugin", "build"]).arg(&source).env("CARGO_TARGET_DIR", components::target());
    let output = command.output().unwrap();
    assert_eq!((said(&output).as_str(), output.status.code()), ("conformance.wasm\n", Some(0)), "{}", complained(&output));
    let inspected = portcullis(folder.path(), &["plugin", "inspect", "-o", "name", "conformance.wasm"]);
    assert_eq!(said(&inspected), "conformance\n", "{}", complained(&inspected));
    let table = said(&portcullis(folder.path(), &["plugin", "inspect", "conformance.wasm"]));
    assert!(table.contains("\nHomepage:     https://github.com/modelcontextprotocol/conformance\n"), "{table}");
    let empty = portcullis(folder.path(), &["plugin", "build", "plugins"]);
    assert!(complained(&empty).contains("plugins/plugin.yaml cannot be read"), "{}", complained(&empty));
}

#[test]
fn the_example_configuration_has_nothing_wrong_but_that_its_plugin_is_not_installed() {
    let folder = folder(include_str!("../portcullis.example.yaml"));
    let text = said(&portcullis(folder.path(), &["check", "-o", "name"]));
    // Whether there is a cluster depends on the machine.
    let names: Vec<&str> = text.lines().filter(|name| *name != "kubernetes").collect();
    assert_eq!(names, ["plugins.cnpg"], "{}", said(&portcullis(folder.path(), &["check"])));
}

#[test]
fn the_example_configuration_loads_the_plugin_that_it_is_written_for() {
    let folder = folder(include_str!("../portcullis.example.yaml"));
    install(folder.path(), &components::plugin("portcullis-cnpg").unwrap());
    let text = said(&portcullis(folder.path(), &["check", "-o", "name"]));
    // Whether there is a cluster depends on the machine.
    let names: Vec<&str> = text.lines().filter(|name| *name != "kubernetes").collect();
    assert!(names.is_empty(), "{}", said(&portcullis(folder.path(), &["check"])));
}

/// The file `audit.jsonl` with so many records.
fn trail(folder: &Path, records: usize) -> PathBuf {
    let path = folder.join("audit.jsonl");
    let log = AuditLog::open(&path).unwrap();
    for number in 0..records {
        let record = AuditRecord {
            request_id: number.to_string(),
            principal: "me@portcullis:tokens".into(),
            action: "tools/call".into(),
            plugin: None,
            digest: None,
            target: "add".into(),
            outcome: AuditOutcome::Completed,
            policies: vec![],
            duration: Duration::from_millis(1),
        };
        log.record(&record).unwrap();
    }
    path
}

#[test]
fn an_audit_trail_is_proven_by_its_name_or_by_the_configuration() {
    let folder = folder("audit: {path: audit.jsonl}\n");
    trail(folder.path(), 3);
    for arguments in [&["audit", "verify"][..], &["audit", "verify", "audit.jsonl"]] {
        let output = portcullis(folder.path(), arguments);
        assert!(output.status.success() && said(&output).starts_with("RECORDS  LAST\n3        "), "{}", complained(&output));
    }
    let json = said(&portcullis(folder.path(), &["audit", "verify", "-o", "json"]));
    let proof: serde_json::Value = serde_json::from_str(&json).unwrap();
    let last = said(&portcullis(folder.path(), &["audit", "verify", "-o", "name"]));
    assert_eq!((&proof["records"], proof["last"].as_str()), (&3.into(), Some(last.trim_end())));
}

#[test]
fn a_broken_audit_trail_is_code_1_and_the_first_line_that_does_not_hold() {
    let folder = folder("");
    let path = trail(folder.path(), 3);
    let last = said(&portcullis(folder.path(), &["audit", "verify", "audit.jsonl", "-o", "name"]));
    let text = std::fs::read_to_string(&path).unwrap();
    let fails = |arguments: &[&str], words: &str| {
        let output = portcullis(folder.path(), &[&["audit", "verify"], arguments].concat());
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(1), ""));
        assert!(complained(&output).contains(words), "{}", complained(&output));
    };
    // A whole line at the end leaves no trace in the chain; the number and the hash that somebody noted do.
    let cut: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    std::fs::write(&path, cut).unwrap();
    assert!(portcullis(folder.path(), &["audit", "verify", "audit.jsonl"]).status.success());
    fails(&["audit.jsonl", "--records", "3", "--last", last.trim_end()], "broken at line 3: it ends here");
    std::fs::write(&path, text.replacen("\"requestId\":\"1\"", "\"requestId\":\"7\"", 1)).unwrap();
    fails(&["audit.jsonl"], "audit.jsonl: the audit trail is broken at line 2: ");
    fails(&["nowhere.jsonl"], "nowhere.jsonl cannot be read");
    fails(&[], "portcullis.yaml has no `audit: {path: …}`");
    assert_eq!(portcullis(folder.path(), &["audit", "verify", "--records", "3"]).status.code(), Some(2));
}

#[test]
fn the_example_with_logins_has_nothing_wrong_but_that_its_plugins_are_not_installed() {
    let folder = folder(include_str!("../portcullis.login.example.yaml"));
    let text = said(&portcullis(folder.path(), &["check", "-o", "name"]));
    let names: Vec<&str> = text.lines().filter(|name| *name != "kubernetes").collect();
    let wanted = ["plugins.oauth-proxy", "plugins.oidc", "listener main", "listener test"];
    assert_eq!(names, wanted, "{}", said(&portcullis(folder.path(), &["check"])));
}

#[test]
fn inspect_tells_what_a_component_is_and_runs_nothing() {
    let folder = folder("");
    let (add, trap) = (guest("add").unwrap(), guest("trap_in_list").unwrap());
    let output = portcullis(folder.path(), &["plugin", "inspect", "-o", "json", add.to_str().unwrap()]);
    let document: serde_json::Value = serde_json::from_str(&said(&output)).unwrap();
    assert_eq!((&document["manifest"]["name"], &document["track"]), (&"add".into(), &"0.1".into()));
    assert!(portcullis(folder.path(), &["plugin", "inspect", trap.to_str().unwrap()]).status.success());
    let output = portcullis(folder.path(), &["plugin", "inspect", "portcullis.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complained(&output).contains("not a WebAssembly component"), "{}", complained(&output));
}

#[test]
fn validate_loads_a_component_and_fails_on_one_that_cannot_serve() {
    let folder = folder("");
    let validate = |file: &Path| portcullis(folder.path(), &["plugin", "validate", "-o", "name", file.to_str().unwrap()]);
    let good = validate(&guest("add").unwrap());
    assert_eq!((good.status.code(), said(&good).as_str()), (Some(0), "add\n"), "{}", complained(&good));
    let bad = validate(&guest("trap_in_list").unwrap());
    assert_eq!((bad.status.code(), said(&bad).as_str()), (Some(1), ""));
    assert!(complained(&bad).contains("error: plugin"), "{}", complained(&bad));
}

#[test]
fn call_prints_a_tools_answer_and_refuses_arguments_that_do_not_fit() {
    let folder = folder("");
    let add = guest("add").unwrap();
    let call = |arguments: &[&str]| portcullis(folder.path(), &[&["plugin", "call", add.to_str().unwrap()], arguments].concat());
    let good = call(&["add", r#"{"a":2,"b":40}"#]);
    assert_eq!((good.status.code(), said(&good).as_str()), (Some(0), "42\n"), "{}", complained(&good));
    assert_eq!(said(&call(&["add", r#"{"a":2,"b":40}"#, "--structured"])), "{\"sum\":42}\n");
    assert!(complained(&call(&["add", r#"{"a":"x"}"#])).contains("/a"));
    assert!(complained(&call(&["subtract"])).contains("there are: add"));
}

#[test]
fn a_withheld_tool_is_told_with_its_reason() {
    let folder = folder("");
    let file = guest("withheld").unwrap();
    let plugin = |arguments: &[&str]| complained(&portcullis(folder.path(), &[&["plugin"], arguments].concat()));
    let file = file.to_str().unwrap();
    assert!(plugin(&["validate", file]).contains("withheld: resize: the storage class cannot grow"));
    assert_eq!(plugin(&["call", file, "resize"]), "error: `resize` is not offered here: the storage class cannot grow\n");
}

#[test]
fn call_passes_answers_on_and_says_which_question_is_open() {
    let folder = folder("");
    let asker = guest("questions").unwrap();
    let call = |answer: &str| portcullis(folder.path(), &["plugin", "call", asker.to_str().unwrap(), "ask", "--answer", answer]);
    let answered = call(r#"name={"action":"accept","content":{"name":"Ada"}}"#);
    assert!(said(&answered).contains("Ada") && answered.status.success(), "{}", complained(&answered));
    let open = call("other={}");
    assert_eq!((open.status.code(), said(&open).as_str()), (Some(3), ""));
    assert!(complained(&open).contains("the tool asks `name`"), "{}", complained(&open));
}

#[test]
fn rbac_prints_roles_for_the_namespaces_that_were_named() {
    let folder = folder("");
    let caller = guest("kubernetes_calls").unwrap();
    let output = portcullis(folder.path(), &["plugin", "rbac", caller.to_str().unwrap(), "--namespaces", "a,b", "--name", "x"]);
    let text = said(&output);
    // Each binding names the kind of its role once more.
    assert_eq!((text.matches("\nkind: Role\n").count(), text.matches("\nkind: RoleBinding\n").count()), (2, 2), "{text}");
    let none = portcullis(folder.path(), &["plugin", "rbac", guest("add").unwrap().to_str().unwrap()]);
    assert!(none.status.success() && said(&none).is_empty());
}
