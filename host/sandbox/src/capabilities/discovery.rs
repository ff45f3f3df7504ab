//! Capability `discovery`: WIT interface `portcullis:auth/discovery`. State: the plugin's grant and the host's `Discovery`, shared by its calls.

use portcullis_core::authgrant::{DiscoveryGrant, covers};
use portcullis_core::ports::DiscoveryError;
use tokio::time::timeout;
use wasmtime::component::{HasSelf, Linker};

use super::{millis, refused};
use crate::bindings::discovery as wit;
use crate::state::{CallState, Shared};

/// A document takes this part of a call's remaining time at most, so that the strategy can still answer without it: `describe` itself has no
/// more time than a first fetch may wait, and must not fail for want of a network.
const PART: u32 = 2;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
}

impl wit::Host for CallState {
    async fn fetch(&mut self, issuer: String) -> wasmtime::Result<Result<wit::Document, wit::Problem>> {
        self.host_call()?;
        let late = || Err(problem("unavailable", format!("`{issuer}` takes longer than this call can wait")));
        Ok(timeout(self.caller.remaining() / PART, fetch(&self.shared, &issuer)).await.unwrap_or_else(|_| late()))
    }
}

async fn fetch(shared: &Shared, issuer: &str) -> Result<wit::Document, wit::Problem> {
    let covered = |grant: &DiscoveryGrant| covers(&grant.issuers, issuer);
    let Some(grant) = shared.grants.discovery.as_ref().filter(|&grant| covered(grant)) else {
        let requested = shared.requests.discovery.as_ref().is_some_and(covered);
        return Err(problem("denied", refused(shared, "discovery", "issuers", issuer, requested)));
    };
    let port = shared.ports.discovery.as_deref();
    let port = port.ok_or_else(|| problem("unavailable", "this host reads no discovery documents".to_owned()))?;
    let document = port.fetch(issuer, grant.private).await?;
    Ok(wit::Document { body: document.body.as_ref().to_owned(), stale: document.stale })
}

fn problem(code: &str, message: String) -> wit::Problem {
    wit::Problem { code: code.to_owned(), message, retry_after_ms: None }
}

impl From<DiscoveryError> for wit::Problem {
    fn from(error: DiscoveryError) -> Self {
        let message = error.to_string();
        match error {
            DiscoveryError::Unavailable { retry_after, .. } => {
                Self { retry_after_ms: Some(millis(retry_after)), ..problem("unavailable", message) }
            }
            DiscoveryError::Invalid { .. } => problem("invalid", message),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::sync::Arc;

    use portcullis_core::authgrant::DiscoveryGrant;

    use crate::bindings::discovery::Host;
    use crate::state::CallState;
    use crate::testing::{self, FakeDiscovery};

    fn state() -> CallState {
        testing::state_with(|shared| {
            let issuers = ["https://a", "https://down", "https://hangs"].map(str::to_owned).to_vec();
            shared.grants.discovery = Some(DiscoveryGrant { issuers, private: true });
            shared.ports.discovery = Some(Arc::new(FakeDiscovery));
        })
    }

    #[tokio::test]
    async fn only_granted_issuers_are_asked_for() {
        let document = state().fetch("https://a".into()).await.unwrap().unwrap();
        assert_eq!((document.body.as_str(), document.stale), ("https://a private", true));
        let refused = state().fetch("https://b".into()).await.unwrap().unwrap_err();
        assert!(refused.code == "denied" && refused.message.contains("- \"https://b\""), "{}", refused.message);
    }

    #[tokio::test]
    async fn a_server_that_is_down_says_when_to_try_again() {
        let problem = state().fetch("https://down".into()).await.unwrap().unwrap_err();
        assert_eq!((problem.code.as_str(), problem.retry_after_ms), ("unavailable", Some(3_000)));
    }

    #[tokio::test]
    async fn it_is_a_host_call() {
        assert!(testing::state_with(|shared| shared.limits.host_calls = 0).fetch(String::new()).await.is_err());
    }

    #[tokio::test]
    async fn a_server_that_hangs_leaves_the_guest_time_to_answer_without_it() {
        let mut state = state();
        state.caller.deadline = tokio::time::Instant::now() + std::time::Duration::from_millis(400);
        let problem = state.fetch("https://hangs".into()).await.unwrap().unwrap_err();
        assert_eq!(problem.code, "unavailable");
        assert!(state.caller.remaining() > std::time::Duration::ZERO);
    }
}
