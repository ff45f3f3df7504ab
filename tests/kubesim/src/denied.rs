//! What a real API server denied, read from its own audit log: a client may swallow a 403, the server does not.
//! Must not know who the users are.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

const LOG: &str = "audit.log";
const POLICY: &str = "audit-policy.yaml";

/// Writes the audit policy; the flags that switch the log on.
pub(crate) fn flags(folder: &Path) -> io::Result<[String; 2]> {
    let rules = [json!({"level": "Metadata"})];
    let policy = json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules});
    fs::write(folder.join(POLICY), policy.to_string())?;
    let path = |name| folder.join(name).display().to_string();
    Ok([format!("--audit-policy-file={}", path(POLICY)), format!("--audit-log-path={}", path(LOG))])
}

/// Each denied request of this user as `verb resource`, e.g. `get pods/log`.
pub(crate) fn of(folder: &Path, user: &str) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(folder.join(LOG))?;
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(events.filter(|event| is_denied(event, user)).map(|event| words(&event)).collect())
}

fn at<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn is_denied(event: &Value, user: &str) -> bool {
    at(event, "/user/username") == user && event.pointer("/responseStatus/code").and_then(Value::as_u64) == Some(403)
}

fn words(event: &Value) -> String {
    let subresource = at(event, "/objectRef/subresource");
    let slash = if subresource.is_empty() { "" } else { "/" };
    format!("{} {}{slash}{subresource}", at(event, "/verb"), at(event, "/objectRef/resource"))
}
