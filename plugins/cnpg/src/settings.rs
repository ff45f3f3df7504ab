//! The plugin's own settings, as the operator wrote them. The schema is in plugin.yaml; each is enforced where it is named.

use serde::Deserialize;

/// Most instances of one cluster unless the operator says otherwise: a typing slip (`33`) should not claim 33 volumes.
pub(crate) const MAX_INSTANCES: i64 = 20;

/// What the operator decided.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where tools look that are given no namespace; absent: the host's own.
    pub(crate) default_namespace: Option<String>,
    /// Repository that `postgres_version` is appended to as a tag when no image catalog carries it. Absent: no image is made up.
    pub(crate) image_repository: Option<String>,
    /// Most instances that create and scale accept.
    pub(crate) max_instances: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { default_namespace: None, image_repository: None, max_instances: MAX_INSTANCES }
    }
}
