//! One role as it is declared, wherever. Interprets, never changes.

use serde_json::Value;

use crate::json::{integer, json, list, text, texts};
use crate::text::short;

/// Memberships that are shown of one role.
pub(crate) const MEMBERSHIPS_MAX: usize = 100;

/// Where a role is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A DatabaseRole.
    Object,
    /// An entry of `spec.managed.roles`.
    Inline,
}

/// One role. Both declarations name their fields alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Role<'a> {
    pub(crate) source: Source,
    /// The DatabaseRole, or the Cluster.
    pub(crate) object: &'a Value,
    pub(crate) spec: &'a Value,
}

/// How far CloudNativePG got with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// applied, pending, failed, deleting or unknown.
    pub(crate) word: &'static str,
    /// In CloudNativePG's words.
    pub(crate) message: Option<String>,
}

impl<'a> Role<'a> {
    pub(crate) fn new(source: Source, object: &'a Value, spec: Option<&'a Value>) -> Self {
        Self { source, object, spec: spec.unwrap_or(&Value::Null) }
    }

    pub(crate) fn name(self) -> &'a str {
        text(self.spec, "/name").unwrap_or_default()
    }

    /// Name of the DatabaseRole.
    pub(crate) fn object_name(self) -> Option<&'a str> {
        text(self.object, "/metadata/name").filter(|_| self.source == Source::Object)
    }

    pub(crate) fn flag(self, field: &str) -> bool {
        // `inherit` is the one that is on unless somebody turned it off.
        self.spec.get(field).and_then(Value::as_bool).unwrap_or(field == "inherit")
    }

    pub(crate) fn in_roles(self) -> Vec<&'a str> {
        texts(self.spec, "/inRoles")
    }

    /// Name of the Secret that holds its password.
    pub(crate) fn secret(self) -> Option<&'a str> {
        text(self.spec, "/passwordSecret/name")
    }

    pub(crate) fn has_certificate(self) -> bool {
        let certificate = self.spec.get("clientCertificate").filter(|one| one.is_object());
        certificate.is_some_and(|one| one.get("enabled").and_then(Value::as_bool).unwrap_or(true))
    }

    pub(crate) fn reclaim_policy(self) -> Option<&'a str> {
        match self.source {
            Source::Object => Some(text(self.spec, "/databaseRoleReclaimPolicy").unwrap_or("retain")),
            Source::Inline => None,
        }
    }

    pub(crate) fn ensure(self) -> &'a str {
        text(self.spec, "/ensure").unwrap_or("present")
    }

    pub(crate) fn is_being_deleted(self) -> bool {
        self.source == Source::Object && text(self.object, "/metadata/deletionTimestamp").is_some()
    }

    /// The word of the answers.
    pub(crate) fn source_word(self) -> &'static str {
        match self.source {
            Source::Object => "databaserole",
            Source::Inline => "inline",
        }
    }

    pub(crate) fn state(self) -> State {
        match self.source {
            Source::Object => self.state_of_object(),
            Source::Inline => inline_state(self.object, self.name()),
        }
    }

    fn state_of_object(self) -> State {
        let message = text(self.object, "/status/message").map(short);
        let current = integer(self.object, "/status/observedGeneration") == integer(self.object, "/metadata/generation");
        let word = match self.object.pointer("/status/applied").and_then(Value::as_bool) {
            _ if self.is_being_deleted() => "deleting",
            Some(true) if current => "applied",
            Some(false) if current => "failed",
            Some(_) => "pending",
            None if message.is_some() => "failed",
            // A replica cluster takes its roles from its primary and says nothing.
            None => "unknown",
        };
        State { word, message }
    }

    /// What PostgreSQL knows of it, under the names of the tools' parameters.
    pub(crate) fn attributes(self) -> Value {
        json!({
            "login": self.flag("login"), "superuser": self.flag("superuser"), "inherit": self.flag("inherit"),
            "createdb": self.flag("createdb"), "createrole": self.flag("createrole"), "replication": self.flag("replication"),
            "bypassrls": self.flag("bypassrls"), "connection_limit": integer(self.spec, "/connectionLimit").unwrap_or(-1),
            "valid_until": text(self.spec, "/validUntil"), "comment": text(self.spec, "/comment").map(short),
            "in_roles": self.in_roles().into_iter().take(MEMBERSHIPS_MAX).collect::<Vec<_>>(), "disable_password": self.flag("disablePassword"),
            "client_certificate": self.has_certificate(), "password_secret": self.secret(),
        })
    }
}

/// What the Cluster's status says of a role of `spec.managed.roles`.
pub(crate) fn inline_state(cluster: &Value, name: &str) -> State {
    let under = |part: &str, key: &str| -> Vec<&str> {
        let found = cluster.pointer("/status/managedRolesStatus").and_then(|all| all.get(part)).and_then(|all| all.get(key));
        found.map(|one| texts(one, "")).unwrap_or_default()
    };
    let trouble = under("cannotReconcile", name);
    let is = |status: &str| under("byStatus", status).contains(&name);
    let word = match () {
        () if !trouble.is_empty() => "failed",
        () if is("reconciled") => "applied",
        () if is("pending-reconciliation") => "pending",
        () if is("reserved") => "failed",
        () => "unknown",
    };
    State { word, message: Some(short(&trouble.join("; "))).filter(|one| !one.is_empty()) }
}

/// Roles that the Cluster's status knows to be in PostgreSQL without anybody declaring them.
pub(crate) fn undeclared(cluster: &Value) -> Vec<&str> {
    list(cluster, "/status/managedRolesStatus/byStatus/not-managed").iter().filter_map(Value::as_str).collect()
}
