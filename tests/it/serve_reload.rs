//! Files change while `portcullis serve` runs: plugins, grants, listeners, broken ones in between. The last good state serves on.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use portcullis_tests::guest;
use portcullis_tests::host::{Host, Installation, portcullis};
use serde_json::{Value, json};

use crate::serve_rig::{Client, ready, until, until_ready_says};

/// Connections that call all the time.
const CONNECTIONS: usize = 16;

/// Replacements of the file, one per 100 ms: half a minute.
const REPLACEMENTS: usize = 300;

/// Bytes by which memory may end above where it began: one compiled plugin and what the allocator keeps. A leak of each of the
/// generations would be several times that.
const MEMORY_SLACK: u64 = 24 << 20;

fn config(plugins: &Value) -> Value {
    json!({
        "listeners": [{"name": "main", "address": "127.0.0.1:0", "endpoints": [{"path": "/mcp", "guard": "none"}]}],
        "cacheDirectory": "cache",
        "plugins": plugins,
    })
}

fn serve(plugins: &Value, files: &[(&str, &Path)]) -> Host {
    let installation = Installation::new(&[], None).unwrap();
    installation.configure(&config(plugins)).unwrap();
    for (name, file) in files {
        replace(&installation, name, &std::fs::read(file).unwrap());
    }
    installation.serve().unwrap()
}

/// The way a careful installer does it: written beside, then renamed.
fn replace(installation: &Installation, name: &str, bytes: &[u8]) {
    let folder = installation.path().join("plugins");
    std::fs::write(folder.join(".next"), bytes).unwrap();
    std::fs::rename(folder.join(".next"), folder.join(name)).unwrap();
}

fn version(client: &Client) -> String {
    let result = client.call("version", &json!({}));
    let text = result["content"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(result["structuredContent"]["version"], text.as_str(), "an answer by a mixture: {result}");
    text
}

/// Resident bytes of the host (proc_pid_status(5)).
fn resident(host: &Host) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[test]
fn a_file_that_is_replaced_all_the_time_fails_no_call_and_costs_no_memory() {
    let (a, b) = (guest!("version_a").unwrap(), guest!("version_b").unwrap());
    let host = serve(&json!({"version": {}}), &[("version.wasm", &a)]);
    let (stop, calls, seen) = (AtomicBool::new(false), AtomicU64::new(0), Mutex::new(BTreeSet::new()));
    let files = [std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap(), b"not a component".to_vec()];
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let client = Client::new(host.url());
                while !stop.load(Ordering::Relaxed) {
                    let answered = version(&client);
                    assert!(["a", "b"].contains(&answered.as_str()));
                    seen.lock().unwrap().insert(answered);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut before = 0;
        for round in 0..REPLACEMENTS {
            replace(host.installation(), "version.wasm", &files[round % files.len()]);
            std::thread::sleep(Duration::from_millis(100));
            if round == REPLACEMENTS / 4 {
                before = resident(&host);
            }
        }
        assert_eq!(*seen.lock().unwrap(), BTreeSet::from(["a".to_owned(), "b".to_owned()]), "nothing was swapped under load");
        let swapped = ready(&host)["generation"].as_u64().unwrap();
        assert!(swapped > 10, "only {swapped} generations in half a minute");
        let client = Client::new(host.url());
        for (bytes, expected) in [(&files[0], "a"), (&files[1], "b")] {
            replace(host.installation(), "version.wasm", bytes);
            until(&host, expected, || (version(&client) == expected).then_some(()));
        }
        stop.store(true, Ordering::Relaxed);
        let after = resident(&host);
        assert!(after < before + MEMORY_SLACK, "{before} bytes before, {after} after");
    });
    assert!(calls.load(Ordering::Relaxed) > u64::try_from(CONNECTIONS).unwrap());
    assert!(host.log().contains("serves on until this is mended"), "{}", host.log());
}

#[test]
fn a_broken_file_is_a_finding_and_its_last_good_version_serves_on() {
    let host = serve(&json!({"version": {}}), &[("version.wasm", &guest!("version_a").unwrap())]);
    let whole = std::fs::read(guest!("version_b").unwrap()).unwrap();
    replace(host.installation(), "version.wasm", &whole[..whole.len() / 2]);
    let document = until_ready_says(&host, "degraded");
    assert_eq!(document["plugins"].as_array().unwrap().len(), 1, "{document}");
    assert_eq!(version(&Client::new(host.url())), "a");
    replace(host.installation(), "version.wasm", &whole);
    until(&host, "version b", || (version(&Client::new(host.url())) == "b").then_some(()));
    assert_eq!(ready(&host)["status"], "ready");
}

#[test]
fn a_broken_configuration_is_a_finding_and_the_last_good_one_serves_on() {
    let host = serve(&json!({"version": {}}), &[("version.wasm", &guest!("version_a").unwrap())]);
    let mut wrong = config(&json!({"version": {"grants": {"kubernets": {}}}}));
    wrong["listTtlMs"] = json!("soon");
    host.installation().configure(&wrong).unwrap();
    let document = until_ready_says(&host, "plugins.version.grants.kubernets");
    assert!(document["reasons"].to_string().contains("listTtlMs"), "{document}");
    assert_eq!(version(&Client::new(host.url())), "a");
    host.installation().configure(&config(&json!({}))).unwrap();
    until(&host, "no tools", || Client::new(host.url()).tools().is_empty().then_some(()));
}

#[test]
fn a_revoked_grant_ends_a_plugin_even_if_its_file_is_broken() {
    let grants = json!({"dice": {"grants": {"clocks": true, "random": true}}});
    let host = serve(&grants, &[("dice.wasm", &guest!("clocks_random").unwrap())]);
    until(&host, "roll", || Client::new(host.url()).tools().contains(&"roll".to_owned()).then_some(()));
    replace(host.installation(), "dice.wasm", b"broken");
    until_ready_says(&host, "degraded");
    assert_eq!(Client::new(host.url()).tools(), ["roll"]);
    host.installation().configure(&config(&json!({"dice": {"grants": {"clocks": true}}}))).unwrap();
    until(&host, "the end of roll", || Client::new(host.url()).tools().is_empty().then_some(()));
}

/// Installs a version of the plugin that asks for more.
fn install_greedy(host: &Host, name: &str) {
    install_as(host, name, "name: version\nversion: 0.2.0\ndescription: Wants more.\nrequests: {random: true}\n");
}

/// Installs the second version of the plugin with this plugin.yaml.
fn install_as(host: &Host, name: &str, yaml: &str) {
    let folder = host.installation().path().join("next");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("plugin.yaml"), yaml).unwrap();
    let mut build = Command::new(portcullis().unwrap());
    build.args(["plugin", "build"]).arg(&folder).arg("--component").arg(guest!("version_b").unwrap());
    assert!(build.arg("--out").arg(host.installation().path().join("plugins").join(name)).output().unwrap().status.success());
}

#[test]
fn a_version_that_asks_for_more_waits_until_it_is_approved() {
    let host = serve(&json!({"version": {}}), &[("version.wasm", &guest!("version_a").unwrap())]);
    install_greedy(&host, "version.wasm");
    until_ready_says(&host, "waits for approval");
    assert_eq!(version(&Client::new(host.url())), "a");
    host.installation().configure(&config(&json!({"version": {"grants": {"random": true}}}))).unwrap();
    until(&host, "version b", || (version(&Client::new(host.url())) == "b").then_some(()));
}

#[test]
fn a_version_that_asks_for_more_waits_under_another_file_name_too() {
    let host = serve(&json!({"version": {}}), &[("version.wasm", &guest!("version_a").unwrap())]);
    install_greedy(&host, "other.wasm");
    until_ready_says(&host, "waits for approval");
    std::fs::remove_file(host.installation().path().join("plugins/version.wasm")).unwrap();
    // Another look, without the old file, must come to the same judgement.
    replace(host.installation(), "noise.wasm", b"not a component");
    until_ready_says(&host, "not a WebAssembly component");
    assert_eq!(version(&Client::new(host.url())), "a");
}

#[test]
fn a_second_file_of_the_same_name_does_not_displace_the_one_that_serves() {
    let host = serve(&json!({"version": {}}), &[("version.wasm", &guest!("version_a").unwrap())]);
    replace(host.installation(), "aaa.wasm", &std::fs::read(guest!("version_b").unwrap()).unwrap());
    until_ready_says(&host, "are both this plugin");
    assert_eq!(version(&Client::new(host.url())), "a");
}

#[test]
fn a_newcomer_does_not_take_over_the_tools_of_a_plugin_that_serves() {
    let host = serve(&json!({"version": {}}), &[("version.wasm", &guest!("version_a").unwrap())]);
    install_as(&host, "aaa.wasm", "name: aaa\nversion: 0.1.0\ndescription: Comes first in the alphabet.\n");
    host.installation().configure(&config(&json!({"version": {}, "aaa": {}}))).unwrap();
    until_ready_says(&host, "plugin `version` already offers");
    assert_eq!(version(&Client::new(host.url())), "a");
}

#[test]
fn tools_that_a_plugin_says_it_changed_are_published_once() {
    let grants = json!({"changing": {"grants": {"notifications": true, "clocks": true}}});
    let host = serve(&grants, &[("changing.wasm", &guest!("changing").unwrap())]);
    let client = Client::new(host.url());
    let before = client.tools();
    let generation = ready(&host)["generation"].as_u64().unwrap();
    client.call("change", &json!({}));
    until(&host, "other tools", || (client.tools() != before).then_some(()));
    // Longer than the host waits before it asks again: a guest that lists must not set off another round.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(ready(&host)["generation"], generation + 1);
}

#[test]
fn the_last_token_that_is_taken_away_opens_nothing() {
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let mut text = config(&json!({"version": {}}));
    text["listeners"][0]["endpoints"] = json!([{"path": "/mcp"}]);
    text["tokens"] = json!([{"name": "me", "sha256": sha256, "tools": ["*"]}]);
    let installation = Installation::new(&[], None).unwrap();
    installation.configure(&text).unwrap();
    replace(&installation, "version.wasm", &std::fs::read(guest!("version_a").unwrap()).unwrap());
    let host = installation.serve().unwrap();
    assert_eq!(version(&Client::with_token(host.url(), "abc")), "a");
    text["tokens"] = json!([]);
    host.installation().configure(&text).unwrap();
    until(&host, "the warning", || host.log().contains("the last token is gone").then_some(()));
    let status = |client: Client| client.ask("tools/list", json!({})).0;
    assert_eq!((status(Client::new(host.url())), status(Client::with_token(host.url(), "abc"))), (401, 401));
}

#[test]
fn listeners_come_and_go_and_one_that_cannot_be_bound_holds_the_change_back() {
    let host = serve(&json!({"version": {}}), &[("version.wasm", &guest!("version_a").unwrap())]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut next = config(&json!({"version": {}}));
    let main = next["listeners"][0].clone();
    let second =
        |address: String| json!({"name": "second", "address": address, "endpoints": [{"path": "/other", "guard": "none"}]});
    next["listeners"] = json!([main, second(taken.local_addr().unwrap().to_string())]);
    host.installation().configure(&next).unwrap();
    until_ready_says(&host, "cannot be bound");
    assert_eq!(version(&Client::new(host.url())), "a");
    next["listeners"] = json!([main, second(free.to_string())]);
    host.installation().configure(&next).unwrap();
    until(&host, "the second listener", || std::net::TcpStream::connect(free).ok());
    assert_eq!(version(&Client::new(&format!("http://{free}/other"))), "a");
    next["listeners"] = json!([main]);
    host.installation().configure(&next).unwrap();
    until(&host, "the end of the second listener", || std::net::TcpStream::connect(free).err());
    assert_eq!(version(&Client::new(host.url())), "a");
}

#[test]
fn a_config_map_that_kubelet_swaps_is_noticed() {
    let installation = Installation::new(&[], None).unwrap();
    let folder = installation.path().to_owned();
    replace(&installation, "version.wasm", &std::fs::read(guest!("version_a").unwrap()).unwrap());
    let write = |name: &str, plugins: &Value| {
        std::fs::create_dir(folder.join(name)).unwrap();
        std::fs::write(folder.join(name).join("portcullis.yaml"), config(plugins).to_string()).unwrap();
        std::os::unix::fs::symlink(name, folder.join("..data_tmp")).unwrap();
        std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    };
    write("..first", &json!({}));
    std::fs::remove_file(installation.config()).unwrap();
    std::os::unix::fs::symlink("..data/portcullis.yaml", installation.config()).unwrap();
    let host = installation.serve().unwrap();
    assert!(Client::new(host.url()).tools().is_empty());
    write("..second", &json!({"version": {}}));
    until(&host, "the plugin", || Client::new(host.url()).tools().contains(&"version".to_owned()).then_some(()));
}
