//! Stands in for the host when a plugin is tested natively: keeps what the plugin said and gives it the settings of the test. Per thread,
//! so tests do not hear one another. Kubernetes is not here: see [`crate::kubernetes::Api`].

use std::cell::RefCell;

/// What a plugin said to its host.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Heard {
    /// [`crate::log`].
    Log {
        /// As given.
        level: String,
        /// As given.
        message: String,
    },
    /// [`crate::progress::report`].
    Progress {
        /// As given.
        progress: f64,
        /// As given.
        total: Option<f64>,
        /// As given.
        message: Option<String>,
    },
    /// [`crate::notifications::message`].
    Message {
        /// As given.
        level: String,
        /// As given.
        logger: Option<String>,
        /// JSON text.
        data: String,
    },
    /// [`crate::notifications::resource_updated`].
    ResourceUpdated(String),
    /// [`crate::notifications::list_changed`].
    ListChanged(String),
    /// [`crate::withhold`].
    Withheld {
        /// As given.
        name: String,
        /// As given.
        reason: String,
    },
}

thread_local! {
    static HEARD: RefCell<Vec<Heard>> = const { RefCell::new(Vec::new()) };
    static SETTINGS: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Everything that the plugin said on this thread since the last call of this function.
#[must_use]
pub fn take() -> Vec<Heard> {
    HEARD.take()
}

/// What [`crate::config`] returns on this thread from now on. `{}` before.
pub fn set_settings(json: impl Into<String>) {
    SETTINGS.set(Some(json.into()));
}

pub(crate) fn hear(heard: Heard) {
    HEARD.with_borrow_mut(|all| all.push(heard));
}

pub(crate) fn settings() -> String {
    SETTINGS.with_borrow(|settings| settings.clone().unwrap_or_else(|| "{}".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Heard, set_settings, take};

    #[test]
    fn what_a_plugin_says_is_heard_once() {
        crate::log::warn("odd");
        crate::progress::report(1.0, None, Some("one"));
        let log = Heard::Log { level: "warn".to_owned(), message: "odd".to_owned() };
        let progress = Heard::Progress { progress: 1.0, total: None, message: Some("one".to_owned()) };
        crate::withhold("resize", "no CRD");
        let withheld = Heard::Withheld { name: "resize".to_owned(), reason: "no CRD".to_owned() };
        assert_eq!(take(), [log, progress, withheld]);
        assert_eq!(take(), []);
    }

    #[test]
    fn settings_are_those_of_the_test() {
        assert_eq!(crate::config::json(), "{}");
        set_settings(r#"{"a":1}"#);
        assert_eq!(crate::config::read::<serde_json::Value>(), Ok(serde_json::json!({"a": 1})));
    }
}
