//! The plugin's own settings, as the operator wrote them. The schema is in plugin.yaml; each is enforced where it is named.

use serde::Deserialize;

use crate::profile::Profile;

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
    /// Which tools are handed out.
    pub(crate) profile: Profile,
    /// Whether roles may be given what passes over permissions.
    pub(crate) privileged_roles: PrivilegedRoles,
    /// What happens to a change of an object that Argo CD or Flux owns.
    pub(crate) gitops: Gitops,
}

/// The setting `gitops`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Gitops {
    /// Nothing is changed; the answer is the manifest to commit.
    #[default]
    Refuse,
    /// It is changed, and the answer says that it may be reverted.
    Warn,
}

/// The setting `privilegedRoles`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PrivilegedRoles {
    /// No tool gives superuser, replication, bypassrls or membership in a role that is as good.
    #[default]
    Refuse,
    Allow,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_namespace: None,
            image_repository: None,
            max_instances: MAX_INSTANCES,
            profile: Profile::Default,
            privileged_roles: PrivilegedRoles::Refuse,
            gitops: Gitops::Refuse,
        }
    }
}
