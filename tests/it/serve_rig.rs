//! A small MCP client for tests of the whole host: raw JSON-RPC of revision 2026-07-28 over HTTP, and waiting for what must come.

use std::io::BufReader;
use std::time::{Duration, Instant};

use kubesim::Kubesim;
use portcullis_tests::host::{Host, Installation};
use serde_json::{Value, json};

use crate::wire_rig::Messages;

/// How long anything that must come may take: generous, since nothing is measured with it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
pub(crate) struct Client {
    agent: ureq::Agent,
    url: String,
    token: Option<String>,
}

/// What every request of this revision carries.
pub(crate) fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

impl Client {
    /// To the host's first endpoint.
    pub(crate) fn new(url: &str) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { agent, url: url.to_owned(), token: None }
    }

    /// The same with a bearer token.
    pub(crate) fn with_token(url: &str, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::new(url) }
    }

    /// One request: HTTP status and JSON-RPC answer.
    pub(crate) fn ask(&self, method: &str, params: Value) -> (u16, Value) {
        let mut response = self.send(method, params);
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().unwrap();
        (status, answer(&text))
    }

    /// One request whose answer is a stream that stays open.
    pub(crate) fn stream(&self, method: &str, params: Value) -> Messages {
        Messages::of_events(BufReader::new(self.send(method, params).into_body().into_reader()))
    }

    fn send(&self, method: &str, mut params: Value) -> ureq::http::Response<ureq::Body> {
        params["_meta"] = meta();
        let mut request = self.agent.post(&self.url).header("accept", "application/json, text/event-stream");
        request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", method);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(name) = params.get("name").and_then(Value::as_str) {
            request = request.header("mcp-name", name);
        }
        request.send_json(json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})).unwrap()
    }

    /// One tool call's result.
    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Value {
        let (status, answer) = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        assert!(status == 200 && answer["result"].is_object(), "{tool}: {status} {answer}");
        answer["result"].clone()
    }

    /// Names that `tools/list` shows.
    pub(crate) fn tools(&self) -> Vec<String> {
        let (_, answer) = self.ask("tools/list", json!({}));
        let tools = answer["result"]["tools"].as_array().cloned().unwrap_or_default();
        tools.iter().filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }
}

/// JSON, or the last message of an event stream.
pub(crate) fn answer(text: &str) -> Value {
    let event = text.lines().rev().find_map(|line| line.strip_prefix("data:"));
    serde_json::from_str(event.unwrap_or(text)).unwrap_or_else(|_| panic!("no JSON-RPC answer: {text}"))
}

/// `/readyz` of the host.
pub(crate) fn ready(host: &Host) -> Value {
    let url = host.url().replace("/mcp", "/readyz");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    agent.get(&url).call().unwrap().body_mut().read_json().unwrap()
}

/// Asks until `what` comes.
pub(crate) fn until<T>(host: &Host, subject: &str, mut what: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{subject} did not come; the host's log:\n{}", host.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until `/readyz` says this anywhere.
pub(crate) fn until_ready_says(host: &Host, words: &str) -> Value {
    until(host, words, || Some(ready(host)).filter(|document| document.to_string().contains(words)))
}

/// A host with every tool of the CNPG plugin, working in namespace `demo` of the stand-in, once the stand-in's demo cluster is healthy.
pub(crate) fn admin(kubesim: &Kubesim) -> Host {
    let installation =
        Installation::new(&[("portcullis-cnpg", "plugins/cnpg")], Some(&kubesim.kubeconfig_yaml("anybody"))).unwrap();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(installation.config()).unwrap()).unwrap();
    config["plugins"]["cnpg"]["settings"] = json!({"profile": "admin", "defaultNamespace": "demo"});
    installation.configure(&config).unwrap();
    let host = installation.serve().unwrap();
    // Without its kind there is no cluster to wait for.
    let orders = || kubesim.get("Cluster", "demo", "orders").map(|cluster| cluster["status"].clone());
    until(&host, "a healthy cluster", || {
        orders().is_none_or(|status| status["phase"] == "Cluster in healthy state" && status["readyInstances"] == 3).then_some(())
    });
    host
}

/// The structured result of a call that works.
pub(crate) fn done(client: &Client, tool: &str, arguments: Value) -> Value {
    let result = client.call(tool, &arguments);
    assert_eq!(result["isError"], false, "{tool}: {result}");
    result["structuredContent"].clone()
}
