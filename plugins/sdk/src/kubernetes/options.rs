//! Options of lists, writes, deletes and logs: what nobody asked for is absent.

#![allow(clippy::derivable_impls, reason = "the structs are generated: there is no place for a derive")]

use super::{DeleteOptions, ListOptions, LogOptions, OBJECT, WriteOptions};

impl Default for ListOptions {
    fn default() -> Self {
        Self { label_selector: None, field_selector: None, limit: None, continue_: None, resource_version: None }
    }
}

/// Not a dry run, the whole object back, field manager and validation as the server has them.
impl Default for WriteOptions {
    fn default() -> Self {
        Self { dry_run: false, field_manager: None, field_validation: None, reply: OBJECT.to_owned() }
    }
}

impl WriteOptions {
    /// Writes in the name of `manager`, and refuses fields that the server does not know.
    pub fn strict(manager: impl Into<String>) -> Self {
        Self { field_manager: Some(manager.into()), field_validation: Some("Strict".to_owned()), ..Self::default() }
    }

    /// With `dryRun=All`, or without.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }
}

impl Default for DeleteOptions {
    fn default() -> Self {
        Self { dry_run: false, uid: None, resource_version: None, propagation: None, grace_period_seconds: None }
    }
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { container: None, previous: false, timestamps: false, since_seconds: None, tail_lines: None, limit_bytes: None }
    }
}
