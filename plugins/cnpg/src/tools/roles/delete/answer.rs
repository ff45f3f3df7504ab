//! What delete_postgres_role says, before and after.

use serde_json::Value;

use super::Plan;
use crate::answer::{Answer, warnings};
use crate::cluster::Cluster;
use crate::json::json;
use crate::roles::role::Source;
use crate::roles::secret;
use crate::text::short;
use crate::tools::roles::bullets;

/// What became of it.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) accepted: bool,
    pub(super) gone: bool,
    /// How the wait ended, for people.
    pub(super) said: String,
    pub(super) wait: Value,
    pub(super) notes: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Plan<'_> {
    /// What goes and what stays.
    pub(super) fn impact(&self, would: bool) -> String {
        let (goes, stays) = if would { ("Would go", "Would stay") } else { ("Goes", "Stays") };
        let by = match self.role.source {
            Source::Object => format!("DatabaseRole `{}`", self.role.object_name().unwrap_or_default()),
            Source::Inline => "its entry in `spec.managed.roles` of the cluster".into(),
        };
        let mut out = format!("- {goes}: {by}\n");
        out.push_str(&if self.drops {
            format!("- {goes}: the role in PostgreSQL (DROP ROLE), which PostgreSQL refuses while it owns objects\n")
        } else {
            format!("- {stays}: the role in PostgreSQL, with its password and permissions; nobody manages it then\n")
        });
        match (self.role.secret().map(short), self.secret_fate()) {
            (Some(name), Some("garbage_collected")) => out.push_str(&format!(
                "- {goes}: Secret `{name}` with its password, which this server made for it (Kubernetes garbage-collects it)\n"
            )),
            (Some(name), _) => out.push_str(&format!("- {stays}: Secret `{name}`; this tool deletes no Secret\n")),
            (None, _) => {}
        }
        out
    }

    /// A Secret that we made is owned by the DatabaseRole, or else by the Cluster.
    fn secret_fate(&self) -> Option<&'static str> {
        let name = self.role.secret()?;
        let ours = name == secret::name(Cluster(&self.roles.cluster).name(), self.role.name());
        Some(if ours && self.role.source == Source::Object { "garbage_collected" } else { "kept" })
    }

    pub(super) fn answer(&self, taken: Taken, by: Option<&'static str>) -> Answer {
        let cluster = Cluster(&self.roles.cluster);
        let role = format!("role `{}` of cluster `{}/{}`", self.role.name(), cluster.namespace(), cluster.name());
        let mut text = match (self.dry_run, taken.gone) {
            (true, _) => format!(
                "**Dry run**: the API server accepts the deletion of {role}; nothing was changed.\n\n{}",
                self.impact(true)
            ),
            (false, true) => format!("The declaration of {role} is gone.\n\n{}", self.impact(false)),
            (false, false) => format!("Kubernetes accepted the deletion of {role}.\n\n{}", self.impact(false)),
        };
        text.push_str(&bullets(&taken.notes));
        text.push_str(&warnings(&taken.warnings));
        if !taken.said.is_empty() {
            text.push_str(&format!("\n{}\n", taken.said));
        }
        text.push_str(if self.dry_run {
            "\nNext: the same call with `dry_run: false`; the human is asked, or `confirm_name` repeats the role's name.\n"
        } else {
            "\nNext: `list_postgres_roles`.\n"
        });
        let structured = json!({
            "cluster": cluster.name(), "namespace": cluster.namespace(), "role_name": self.role.name(),
            "crd_name": self.role.object_name(), "source": self.role.source_word(), "deleted": taken.accepted, "gone": taken.gone,
            "drop_role": self.drops, "dry_run": self.dry_run, "confirmed_by": by, "secret": self.role.secret(),
            "secret_fate": self.secret_fate(), "notes": taken.notes, "warnings": taken.warnings, "wait": taken.wait,
        });
        Answer::new(text, structured)
    }
}
