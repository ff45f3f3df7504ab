//! Clients: those that registered, those whose `client_id` is a document's URL, and those that the operator configured.

use serde::{Deserialize, Serialize};

use crate::errors::{Failure, Refusal};
use crate::port::Call;
use crate::store::{self, CLIENT};
use crate::{cimd, rate, redirect};

/// How long a registration waits for its first login, and how long a client may stay away afterwards. Claude Code keeps its `client_id` for ever
/// (claude-code #79505), so that the second is long; the login's own time is another matter.
pub(crate) const UNUSED_SECONDS: u64 = 86_400;
const USED_SECONDS: u64 = 90 * 86_400;
/// A client's record is written again at most this often.
const TOUCH_SECONDS: u64 = 86_400;

/// A client. All are public (`none`): PKCE and exact redirect URIs are what ties a code to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    /// What it calls itself; nobody checked.
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) origin: Origin,
}

/// How a client became known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// By itself (RFC 7591). `counted`: the rate counters that its first login relieves; `touched`: when it was last written.
    Registered { counted: Vec<String>, touched: u64 },
    /// By the document at its `client_id`.
    Document,
    /// By the operator.
    Configured,
}

/// The client of this id.
///
/// # Errors
/// `invalid_client`. Never a client made up for the occasion (W9).
pub(crate) fn find(call: Call<'_>, id: &str) -> Result<Client, Failure> {
    if let Some(known) = call.settings.clients.iter().find(|one| one.id == id) {
        let (name, redirect_uris) = (known.name.clone(), known.redirect_uris.clone());
        return Ok(Client { id: id.to_owned(), name, redirect_uris, origin: Origin::Configured });
    }
    if id.starts_with("https://") {
        return cimd::client(call, id);
    }
    let unknown = || Refusal::client("this client is not registered here (any more): register it again");
    // Ours have 22 characters; what else is there need not be looked up.
    let found = if id.len() == 22 { store::get::<Client>(call, CLIENT, id)? } else { None };
    Ok(found.ok_or_else(unknown)?.record)
}

impl Client {
    /// Whether it registered this redirect URI. A pattern replaces nothing, and there are none (W10).
    pub(crate) fn redirects_to(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|known| redirect::matches(known, uri))
    }

    /// Keeps a registered client that is in use.
    pub(crate) fn touch(self, call: Call<'_>) -> Result<(), Failure> {
        let (counted, touched) = match self.origin {
            Origin::Registered { counted, touched } => (counted, touched),
            Origin::Document => return cimd::touch(call, &self.id),
            Origin::Configured => return Ok(()),
        };
        let now = call.now();
        if counted.is_empty() && now < touched + TOUCH_SECONDS {
            return Ok(());
        }
        rate::forgive(call, &counted)?;
        let kept = Self { origin: Origin::Registered { counted: Vec::new(), touched: now }, ..self };
        Ok(store::set(call, CLIENT, &kept.id, &kept, USED_SECONDS)?)
    }
}
