//! A small MCP client of revision 2026-07-28 over Streamable HTTP: one POST per request, the answer as JSON or as a stream of events.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

const REVISION: &str = "2026-07-28";

/// The endpoint, and the capabilities of a client with a person in front of it.
#[derive(Debug)]
pub(crate) struct Client {
    url: String,
    agent: ureq::Agent,
}

impl Client {
    /// A client of the demo's endpoint.
    pub(crate) fn new(listen: SocketAddr) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { url: format!("http://{listen}/mcp"), agent }
    }

    /// Sends one request; notifications on the way go to `heard`.
    pub(crate) fn request(&self, method: &str, params: Value, heard: &mut dyn FnMut(&Value)) -> Result<Value> {
        let name = params.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": with_meta(params)});
        let mut request = self
            .agent
            .post(&self.url)
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", REVISION)
            .header("Mcp-Method", method);
        if !name.is_empty() {
            request = request.header("Mcp-Name", &name);
        }
        let response = request.send_json(&body).with_context(|| format!("{method} got no answer"))?;
        let reader = BufReader::new(response.into_body().into_reader());
        for line in reader.lines() {
            let line = line?;
            let text = line.strip_prefix("data:").unwrap_or(&line).trim();
            let Ok(message) = serde_json::from_str::<Value>(text) else { continue };
            if message.get("id").is_some() {
                return outcome(method, &message);
            }
            heard(&message);
        }
        bail!("{method}: the answer ended without a result")
    }
}

/// Says on every request what this client is and can do, as this revision wants it.
fn with_meta(mut params: Value) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": {"name": "portcullis-demo", "version": env!("CARGO_PKG_VERSION")},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
        "progressToken": "demo",
    });
    if let Some(object) = params.as_object_mut() {
        object.insert("_meta".into(), meta);
    }
    params
}

fn outcome(method: &str, message: &Value) -> Result<Value> {
    match (message.get("result"), message.get("error")) {
        (Some(result), _) => Ok(result.clone()),
        (None, Some(error)) => bail!("{method}: {error}"),
        (None, None) => bail!("{method}: neither result nor error: {message}"),
    }
}
