//! What the tests of logins share besides `portcullis_tests::{logins, application}`: a tool call as whoever holds a token, and the files of a folder.

use std::path::Path;

use serde_json::{Value, json};

use crate::serve_rig::Client;

/// What `whoami` says to a token, or the status of the refusal.
pub(crate) fn whoami(url: &str, token: &Value) -> Result<String, u16> {
    let client = Client::with_token(url, token.as_str().unwrap());
    match client.ask("tools/call", json!({"name": "whoami", "arguments": {}})) {
        (200, answer) => Ok(answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()),
        (status, _) => Err(status),
    }
}

/// Every file below a folder, with its content.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let each = entries.flat_map(|path| match path.is_dir() {
        true => files(&path),
        false => vec![(path.display().to_string(), std::fs::read(&path).unwrap_or_default())],
    });
    each.collect()
}
