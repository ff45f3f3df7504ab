//! Whether a request wants something that only scopes keep from its caller: then HTTP says 403 with all the scopes that the operation needs (MCP
//! authorization, Scope Challenge Handling; RS-6). rmcp's handlers cannot set a status, so it is decided before them, by the same policy.

use portcullis_core::policy::{Action, Denial};
use serde::Deserialize;

use crate::entry::Entry;

/// As much of a request as decides.
#[derive(Deserialize)]
struct Wanted<'a> {
    #[serde(borrow)]
    method: std::borrow::Cow<'a, str>,
    #[serde(default, borrow)]
    params: Params<'a>,
}

#[derive(Default, Deserialize)]
struct Params<'a> {
    #[serde(default, borrow)]
    name: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, borrow)]
    uri: Option<std::borrow::Cow<'a, str>>,
}

/// What the caller may not do yet.
pub(crate) struct ScopeDenial {
    pub(crate) action: Action,
    pub(crate) denial: Denial,
}

/// The denial, if more scopes would help.
pub(crate) fn denial(entry: &Entry, body: &[u8]) -> Option<ScopeDenial> {
    // Who came without an OAuth token has no scopes to ask for.
    entry.principal().scopes.as_ref()?;
    let wanted: Wanted<'_> = serde_json::from_slice(body).ok()?;
    let (action, target) = match wanted.method.as_ref() {
        "tools/call" => (Action::CallTool, wanted.params.name?),
        "prompts/get" => (Action::GetPrompt, wanted.params.name?),
        "resources/read" | "resources/subscribe" => (Action::ReadResource, wanted.params.uri?),
        _ => return None,
    };
    let denial = entry.snapshot.policy.decide(entry.principal(), action, &target).err()?;
    (!denial.scopes.is_empty()).then_some(ScopeDenial { action, denial })
}
