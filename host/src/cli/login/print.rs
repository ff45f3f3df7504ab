//! What goes to standard output: the token alone, a document, or another client's configuration that holds it.

use clap::ValueEnum;
use serde::Serialize;
use serde_json::json;

use super::kept::Login;
use crate::output::{self, Format};

/// Clients whose configuration can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Config {
    /// The command that adds the endpoint to Claude Code.
    Claude,
    /// `.vscode/mcp.json`.
    Vscode,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    url: &'a str,
    resource: &'a str,
    issuer: &'a str,
    client_id: &'a str,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    access_token: &'a str,
}

/// Prints a login. The refresh token stays where it is kept.
pub(super) fn print(format: Format, config: Option<Config>, url: &str, login: &Login) -> anyhow::Result<()> {
    if let Some(config) = config {
        return output::write(&configuration(config, url, login.access_token.reveal())?);
    }
    let shown = Shown {
        url,
        resource: &login.resource,
        issuer: &login.issuer,
        client_id: &login.client.id,
        scope: &login.scope,
        expires_at: login.expires_at.map(|end| end.to_string()),
        access_token: login.access_token.reveal(),
    };
    let line = if format == Format::Name { url } else { shown.access_token };
    output::print(format, &shown, || format!("{line}\n"))
}

fn configuration(config: Config, url: &str, token: &str) -> anyhow::Result<String> {
    let authorization = format!("Bearer {token}");
    Ok(match config {
        Config::Claude => {
            let header = shell(&format!("Authorization: {authorization}"));
            format!("claude mcp add --transport http {} {} --header {header}\n", name(url), shell(url))
        }
        Config::Vscode => {
            let server = json!({"type": "http", "url": url, "headers": {"Authorization": authorization}});
            serde_json::to_string_pretty(&json!({"servers": {name(url): server}}))? + "\n"
        }
    })
}

/// The endpoint's host as a name that every client takes.
fn name(url: &str) -> String {
    let host = url.split(['/', ':']).nth(3).unwrap_or_default();
    let name: String = host.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    if name.trim_matches('-').is_empty() { "portcullis".to_owned() } else { name.trim_matches('-').to_owned() }
}

/// As one word of a POSIX shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{Config, configuration, name};

    #[test]
    fn a_command_line_stays_one_whatever_the_url_has() {
        let text = configuration(Config::Claude, "https://mcp.h.example:1/m'$(x)", "t").unwrap();
        assert_eq!(
            text,
            "claude mcp add --transport http mcp-h-example 'https://mcp.h.example:1/m'\\''$(x)' --header 'Authorization: Bearer t'\n"
        );
    }

    #[test]
    fn vscode_gets_a_document() {
        let text = configuration(Config::Vscode, "http://127.0.0.1:1/mcp", "t").unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["servers"]["127-0-0-1"]["headers"]["Authorization"], "Bearer t");
        assert_eq!(name("http://[::1]:1/"), "portcullis");
    }
}
