//! A call that began before a reload ends on the code and the grants that it began with, however long it takes.

use std::path::Path;

use kubesim::{Fault, Kubesim, Matcher, Options};
use portcullis_tests::guest;
use portcullis_tests::host::Installation;
use serde_json::{Value, json};

use crate::serve_rig::{Client, until};

/// The plugin may get these and nothing else.
fn config(resource: &str) -> Value {
    let rule = json!({"apiGroups": [""], "resources": [resource], "verbs": ["get"], "namespaces": ["default"]});
    json!({
        "listeners": [{"name": "main", "address": "127.0.0.1:0", "endpoints": [{"path": "/mcp", "guard": "none"}]}],
        "cacheDirectory": "cache",
        "kubernetes": {"kubeconfig": "kubeconfig"},
        "plugins": {"two-reads": {"grants": {"kubernetes": {"rules": [rule]}}}},
    })
}

/// Written beside, then renamed.
fn install(installation: &Installation, component: &Path) {
    let folder = installation.path().join("plugins");
    std::fs::copy(component, folder.join(".next")).unwrap();
    std::fs::rename(folder.join(".next"), folder.join("two-reads.wasm")).unwrap();
}

fn read_twice(client: &Client) -> String {
    client.call("read_twice", &json!({}))["content"][0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn a_call_in_flight_ends_on_the_code_and_grants_it_began_with() {
    let kubesim = Kubesim::start(Options::default()).unwrap();
    let marker = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "marker", "namespace": "default"}});
    kubesim.create(&marker).unwrap();
    let installation = Installation::new(&[], Some(&kubesim.kubeconfig_yaml("anybody"))).unwrap();
    installation.configure(&config("configmaps")).unwrap();
    install(&installation, &guest!("two_reads_a").unwrap());
    let host = installation.serve().unwrap();
    assert_eq!(read_twice(&Client::new(host.url())), "a: read, read");

    kubesim.take_requests();
    kubesim.faults().fail_next(Matcher::on("get", "configmaps"), Fault::Hold);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| read_twice(&Client::new(host.url())));
        until(&host, "the first read", || kubesim.requests().iter().any(|one| one.path.ends_with("/marker")).then_some(()));
        install(host.installation(), &guest!("two_reads_b").unwrap());
        host.installation().configure(&config("pods")).unwrap();
        let next = Client::new(host.url());
        until(&host, "new code without the grant", || (read_twice(&next) == "b: grant, grant").then_some(()));
        assert!(!held.is_finished(), "the call in flight was not held");
        kubesim.faults().clear();
        assert_eq!(held.join().unwrap(), "a: read, read", "its second read came after the reload");
    });
}
