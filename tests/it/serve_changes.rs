//! What subscribers hear when a plugin comes while the host serves: both eras, over HTTP and over stdio.

use portcullis_tests::guest;
use portcullis_tests::host::Installation;
use serde_json::{Value, json};

use crate::serve_rig::Client;
use crate::wire_rig::{Messages, Pipe, Session, modern};

const CHANGED: &str = "notifications/tools/list_changed";

fn config(plugins: &Value) -> Value {
    json!({
        "listeners": [{"name": "main", "address": "127.0.0.1:0", "endpoints": [{"path": "/mcp", "guard": "none"}]}],
        "cacheDirectory": "cache",
        "plugins": plugins,
    })
}

/// Two plugin files, of which the first has an entry.
fn installation() -> Installation {
    let installation = Installation::new(&[], None).unwrap();
    for (name, path) in [("version.wasm", guest!("version_a")), ("add.wasm", guest!("add"))] {
        std::fs::copy(path.unwrap(), installation.path().join("plugins").join(name)).unwrap();
    }
    installation.configure(&config(&json!({"version": {}}))).unwrap();
    installation
}

/// The second one gets its entry, too.
fn add_the_second(installation: &Installation) {
    installation.configure(&config(&json!({"version": {}, "add": {}}))).unwrap();
}

/// What a subscriber of 2026-07-28 asks for.
fn wish() -> Value {
    json!({"notifications": {"toolsListChanged": true}})
}

fn acknowledged(messages: &Messages) {
    let first = messages.next();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
}

fn names(list: &Value) -> Vec<&str> {
    list["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[test]
fn a_subscriber_over_http_hears_that_the_tools_changed_and_finds_them_changed() {
    let host = installation().serve().unwrap();
    let client = Client::new(host.url());
    assert_eq!(client.tools(), ["version"]);
    let stream = client.stream("subscriptions/listen", wish());
    acknowledged(&stream);
    add_the_second(host.installation());
    let heard = stream.of_method(CHANGED);
    assert_eq!(heard["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1, "{heard}");
    assert_eq!(client.tools(), ["add", "version"]);
}

#[test]
fn a_session_of_the_older_revision_hears_it_on_its_own_stream() {
    let host = installation().serve().unwrap();
    let session = Session::open(host.url());
    let stream = session.listen();
    add_the_second(host.installation());
    stream.of_method(CHANGED);
    let (_, list) = session.raw(&crate::wire_rig::legacy(1, "tools/list", &json!({})));
    assert_eq!(names(&list), ["add", "version"]);
}

#[test]
fn a_subscriber_over_stdio_hears_it() {
    let installation = installation();
    let mut pipe = Pipe::open(&installation);
    pipe.send(&modern(5, "subscriptions/listen", &wish()));
    acknowledged(&pipe.messages);
    add_the_second(&installation);
    let heard = pipe.messages.of_method(CHANGED);
    assert_eq!(heard["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 5, "{heard}");
    assert_eq!(names(&pipe.ask(&modern(6, "tools/list", &json!({})))), ["add", "version"]);
}

#[test]
fn a_client_of_the_older_revision_hears_it_over_stdio() {
    let installation = installation();
    let mut pipe = Pipe::open_session(&installation);
    // An answer says that the handshake is over, and with it that the client listens.
    assert_eq!(names(&pipe.ask(&crate::wire_rig::legacy(1, "tools/list", &json!({})))), ["version"]);
    add_the_second(&installation);
    pipe.messages.of_method(CHANGED);
    assert_eq!(names(&pipe.ask(&crate::wire_rig::legacy(2, "tools/list", &json!({})))), ["add", "version"]);
    assert!(pipe.close());
}
