//! Capability `secrets`: WIT interface `portcullis:auth/secrets`. State: the plugin's grant and the host's `SecretSource`, shared by its calls.

use portcullis_core::authgrant::covers;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::secrets as wit;
use crate::state::CallState;

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
}

impl wit::Host for CallState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.host_call()?;
        let shared = &self.shared;
        let granted = shared.grants.secrets.as_ref().is_some_and(|grant| covers(&grant.names, &name));
        let source = shared.ports.secrets.as_deref().filter(|_| granted);
        Ok(source.and_then(|source| source.secret(&name)).map(|secret| secret.reveal().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::sync::Arc;

    use portcullis_core::authgrant::SecretsGrant;

    use crate::bindings::secrets::Host;
    use crate::testing::{self, FakeSecrets};

    #[test]
    fn only_secrets_that_the_grant_names_are_told() {
        let mut state = testing::state_with(|shared| {
            shared.grants.secrets = Some(SecretsGrant { names: vec!["mine".into(), "absent".into()] });
            shared.ports.secrets = Some(Arc::new(FakeSecrets));
        });
        assert_eq!(state.get("mine".into()).unwrap().as_deref(), Some("value of mine"));
        assert_eq!(state.get("absent".into()).unwrap(), None);
        assert_eq!(state.get("other".into()).unwrap(), None);
    }

    #[test]
    fn without_a_grant_there_are_none_and_asking_is_a_host_call() {
        let mut state = testing::state_with(|shared| {
            shared.ports.secrets = Some(Arc::new(FakeSecrets));
            shared.limits.host_calls = 1;
        });
        assert_eq!(state.get("mine".into()).unwrap(), None);
        assert!(state.get("mine".into()).is_err());
    }
}
