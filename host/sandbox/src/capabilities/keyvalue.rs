//! Capability `keyvalue`: WIT interfaces `portcullis:auth/keyvalue` and `portcullis:auth/revocation`. State: the plugin's name and the host's
//! `PluginStore`, shared by its calls. Entries are apart by that name, which no guest chooses.

use std::time::Duration;

use portcullis_core::keyvalue::{Entry, GRANT_MAX, KEY_MAX, KeyValueError, VALUE_MAX, When, Write};
use portcullis_core::ports::PluginStore;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::keyvalue as wit;
use crate::bindings::revocation;
use crate::state::{CallState, Shared};

pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)?;
    revocation::add_to_linker::<_, HasSelf<CallState>>(linker, |state| state)
}

type Answer<T> = wasmtime::Result<Result<T, wit::Problem>>;

impl wit::Host for CallState {
    async fn get(&mut self, key: String) -> Answer<Option<wit::Entry>> {
        self.host_call()?;
        Ok(get(&self.shared, &key).await.map_err(Into::into))
    }

    async fn set(&mut self, key: String, value: Vec<u8>, ttl_s: Option<u32>) -> Answer<()> {
        self.host_call()?;
        Ok(put(&self.shared, &key, value, ttl_s, When::Always).await.map(drop))
    }

    async fn set_if_absent(&mut self, key: String, value: Vec<u8>, ttl_s: Option<u32>) -> Answer<bool> {
        self.host_call()?;
        Ok(put(&self.shared, &key, value, ttl_s, When::Absent).await)
    }

    async fn compare_and_swap(&mut self, key: String, version: u64, value: Vec<u8>, ttl_s: Option<u32>) -> Answer<bool> {
        self.host_call()?;
        Ok(put(&self.shared, &key, value, ttl_s, When::Version(version)).await)
    }

    async fn take(&mut self, key: String) -> Answer<Option<wit::Entry>> {
        self.host_call()?;
        Ok(take(&self.shared, &key).await.map_err(Into::into))
    }

    async fn delete(&mut self, key: String) -> Answer<bool> {
        self.host_call()?;
        Ok(take(&self.shared, &key).await.map(|entry| entry.is_some()).map_err(Into::into))
    }
}

impl revocation::Host for CallState {
    async fn revoke(&mut self, grant: String) -> Answer<()> {
        self.host_call()?;
        Ok(revoke(&self.shared, &grant).await.map_err(Into::into))
    }
}

async fn get(shared: &Shared, key: &str) -> Result<Option<wit::Entry>, KeyValueError> {
    check(key, 0)?;
    Ok(store(shared)?.get(&shared.name, key).await?.map(Into::into))
}

async fn take(shared: &Shared, key: &str) -> Result<Option<wit::Entry>, KeyValueError> {
    check(key, 0)?;
    Ok(store(shared)?.take(&shared.name, key).await?.map(Into::into))
}

async fn put(shared: &Shared, key: &str, value: Vec<u8>, ttl_s: Option<u32>, when: When) -> Result<bool, wit::Problem> {
    check(key, value.len())?;
    let write = Write { value, ttl: ttl_s.map(|seconds| Duration::from_secs(seconds.into())), when };
    Ok(store(shared)?.put(&shared.name, key, write).await?)
}

async fn revoke(shared: &Shared, grant: &str) -> Result<(), KeyValueError> {
    if grant.is_empty() || grant.len() > GRANT_MAX {
        return Err(KeyValueError::TooLarge);
    }
    store(shared)?.revoke(&shared.name, grant).await
}

fn check(key: &str, value: usize) -> Result<(), KeyValueError> {
    if key.is_empty() || key.len() > KEY_MAX || value > VALUE_MAX { Err(KeyValueError::TooLarge) } else { Ok(()) }
}

/// The value fence: the capability has no values, so the grant itself is asked again.
fn store(shared: &Shared) -> Result<&dyn PluginStore, KeyValueError> {
    let store = shared.ports.store.as_deref().filter(|_| shared.grants.keyvalue);
    store.ok_or_else(|| KeyValueError::Internal("this plugin has no store".to_owned()))
}

impl From<KeyValueError> for wit::Problem {
    /// Reasons of the database stay in the host's log: they may name its address.
    fn from(error: KeyValueError) -> Self {
        let (code, message) = match &error {
            KeyValueError::TooLarge => ("too-large", error.to_string()),
            KeyValueError::Quota => ("quota", error.to_string()),
            KeyValueError::Unavailable(reason) => {
                tracing::warn!(reason, "the store does not answer a plugin");
                ("unavailable", "the store does not answer".to_owned())
            }
            KeyValueError::Internal(reason) => {
                tracing::error!(reason, "the store failed a plugin");
                ("internal", "the store failed; the host's log says why".to_owned())
            }
        };
        Self { code: code.to_owned(), message }
    }
}

impl From<Entry> for wit::Entry {
    fn from(entry: Entry) -> Self {
        Self { value: entry.value, version: entry.version }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::sync::Arc;

    use crate::bindings::keyvalue::Host as _;
    use crate::bindings::revocation::Host as _;
    use crate::state::CallState;
    use crate::testing::{self, FakeStore};

    fn state(plugin: &str, store: &Arc<FakeStore>) -> CallState {
        testing::state_with(|shared| {
            (shared.name, shared.grants.keyvalue) = (plugin.into(), true);
            shared.ports.store = Some(store.clone());
        })
    }

    #[tokio::test]
    async fn a_value_is_set_swapped_and_taken_once() {
        let store = Arc::new(FakeStore::default());
        let mut state = state("p", &store);
        assert!(state.set_if_absent("k".into(), vec![1], Some(9)).await.unwrap().unwrap());
        assert!(!state.set_if_absent("k".into(), vec![2], None).await.unwrap().unwrap());
        let version = state.get("k".into()).await.unwrap().unwrap().unwrap().version;
        assert!(!state.compare_and_swap("k".into(), version + 1, vec![3], None).await.unwrap().unwrap());
        assert!(state.compare_and_swap("k".into(), version, vec![3], None).await.unwrap().unwrap());
        assert_eq!(state.take("k".into()).await.unwrap().unwrap().unwrap().value, [3]);
        assert!(state.take("k".into()).await.unwrap().unwrap().is_none());
        assert!(!state.delete("k".into()).await.unwrap().unwrap());
        assert_eq!(*store.ttls.lock(), [Some(9), None, None, None]);
    }

    #[tokio::test]
    async fn plugins_do_not_see_one_anothers_entries() {
        let store = Arc::new(FakeStore::default());
        state("one", &store).set("k".into(), vec![1], None).await.unwrap().unwrap();
        assert!(state("two", &store).get("k".into()).await.unwrap().unwrap().is_none());
        state("two", &store).revoke("g".into()).await.unwrap().unwrap();
        assert_eq!(*store.revoked.lock(), [("two".to_owned(), "g".to_owned())]);
    }

    #[tokio::test]
    async fn keys_values_and_grants_are_bounded() {
        let mut state = state("p", &Arc::new(FakeStore::default()));
        let code = |answer: Result<(), crate::bindings::keyvalue::Problem>| answer.unwrap_err().code;
        assert_eq!(code(state.set(String::new(), vec![], None).await.unwrap()), "too-large");
        assert_eq!(code(state.set("k".repeat(513), vec![], None).await.unwrap()), "too-large");
        assert_eq!(code(state.set("k".into(), vec![0; (64 << 10) + 1], None).await.unwrap()), "too-large");
        assert_eq!(code(state.revoke("g".repeat(257)).await.unwrap()), "too-large");
        state.set("k".repeat(512), vec![0; 64 << 10], None).await.unwrap().unwrap();
        state.revoke("g".repeat(256)).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn without_the_grant_there_is_no_store_and_reasons_of_the_database_stay_in_the_host() {
        let store = Arc::new(FakeStore::default());
        let mut bare = testing::state_with(|shared| shared.ports.store = Some(store.clone()));
        assert_eq!(bare.get("k".into()).await.unwrap().unwrap_err().code, "internal");
        *store.down.lock() = true;
        let problem = state("p", &store).get("k".into()).await.unwrap().unwrap_err();
        assert_eq!((problem.code.as_str(), problem.message.contains("db.internal")), ("unavailable", false));
    }

    #[tokio::test]
    async fn each_is_a_host_call() {
        let mut state = testing::state_with(|shared| shared.limits.host_calls = 1);
        assert!(state.get("k".into()).await.is_ok() && state.revoke("g".into()).await.is_err());
    }
}
