//! Copies of the client documents of widely used clients, for when theirs cannot be fetched: claude.ai answers 403 to some clouds. A fetched
//! document always comes first. As of 2026-11; a copy that is out of date costs a login, never safety, since it only lists redirect URIs of
//! the client's own maker.

use crate::clients::{Client, Origin};

/// A document's URL, the client's name, its redirect URIs.
type Copy = (&'static str, &'static str, &'static [&'static str]);

const COPIES: [Copy; 5] = [
    (
        "https://claude.ai/oauth/mcp-oauth-client-metadata",
        "Claude",
        &["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
    ),
    (
        "https://claude.ai/oauth/claude-code-client-metadata",
        "Claude Code",
        &["http://localhost/callback", "http://127.0.0.1/callback"],
    ),
    ("https://chatgpt.com/oauth/client.json", "ChatGPT", &["https://chatgpt.com/connector_platform_oauth_redirect"]),
    ("https://chatgpt.com/oauth/codex/client.json", "Codex", &["http://127.0.0.1/callback", "http://localhost/callback"]),
    (
        "https://vscode.dev/oauth/client-metadata.json",
        "Visual Studio Code",
        &["https://vscode.dev/redirect", "https://insiders.vscode.dev/redirect", "http://127.0.0.1/"],
    ),
];

/// The copy of this URL's document.
pub(crate) fn client(url: &str) -> Option<Client> {
    let (id, name, redirect_uris) = COPIES.iter().find(|(known, _, _)| *known == url)?;
    let redirect_uris = redirect_uris.iter().map(|&uri| uri.to_owned()).collect();
    Some(Client { id: (*id).to_owned(), name: (*name).to_owned(), redirect_uris, origin: Origin::Document })
}
