//! What create_postgres_role says.

use serde_json::Value;

use super::{Plan, object_name};
use crate::answer::{Answer, warnings};
use crate::call::{Call, Written};
use crate::diff;
use crate::json::json;
use crate::problem::Problem;
use crate::roles::applied::{self, Goal};
use crate::roles::role::Source;
use crate::roles::secret::{self, Stored};
use crate::tools::roles::bullets;
use crate::yaml;

/// A role that was declared, or would be.
pub(super) struct Made {
    pub(super) source: Source,
    pub(super) manifest: Value,
    pub(super) written: Written,
    pub(super) stored: Option<Stored>,
    pub(super) notes: Vec<String>,
}

impl Made {
    fn is_object(&self) -> bool {
        self.source == Source::Object
    }
}

impl Plan<'_> {
    pub(super) fn answer(&self, call: &Call<'_>, made: &Made, notes: &[String], seconds: Option<i64>) -> Result<Answer, Problem> {
        let mut structured = self.structured(made, notes);
        let mut text = if self.dry_run { self.rehearsed(made) } else { self.created(made) };
        text.push_str(&bullets(notes));
        text.push_str(&warnings(&made.written.warnings));
        if let Some(seconds) = seconds {
            let version = made.stored.as_ref().and_then(|one| one.version.as_deref());
            let goal = Goal { role: self.name, source: made.source, changed: true, secret: version };
            let object = self.roles.target(object_name(&made.written));
            let target = if made.is_object() { object } else { self.roles.cluster_target() };
            let seen = applied::wait(call, &target, made.written.object.clone(), goal, seconds);
            text.push_str(&format!("\n{}\n", applied::words(&seen, goal)?));
            if let Some(map) = structured.as_object_mut() {
                map.insert("wait".into(), seen.structured());
            }
        }
        let name = Value::from(self.name);
        text.push_str(&if self.dry_run {
            "\nNext: the same call with `dry_run: false`.\n".to_owned()
        } else {
            format!("\nNext: `get_postgres_role_status` with `role_name: {name}`.\n")
        });
        Ok(Answer::new(text, structured))
    }

    fn structured(&self, made: &Made, notes: &[String]) -> Value {
        let cluster = self.cluster();
        let (own, source) = (made.is_object(), if made.is_object() { "databaserole" } else { "inline" });
        let added = if own { diff::changes(&made.manifest, &made.written.object) } else { Vec::new() };
        json!({
            "cluster": cluster.name(), "namespace": cluster.namespace(), "role_name": self.name,
            "crd_name": made.manifest.pointer("/metadata/name"), "source": source,
            "created": !self.dry_run, "dry_run": self.dry_run, "manifest": made.manifest, "server_defaults": diff::structured(&added),
            "password_secret": self.secret(), "notes": notes, "warnings": made.written.warnings, "wait": null,
        })
    }

    fn secret(&self) -> Option<String> {
        self.password.as_ref().map(|_| secret::name(self.cluster().name(), self.name))
    }

    fn rehearsed(&self, made: &Made) -> String {
        let (namespace, cluster) = (self.cluster().namespace(), self.cluster().name());
        let place = if made.is_object() { "as a DatabaseRole" } else { "as an entry of `spec.managed.roles`" };
        let mut out = format!(
            "**Dry run**: the API server accepts role `{}` of cluster `{namespace}/{cluster}`, {place}; nothing was changed.\n\n```yaml\n{}```\n",
            self.name,
            yaml::block(&made.manifest)
        );
        if let Some(secret) = self.secret() {
            out.push_str(&format!("- Secret `{secret}` would be written, with a generated password of 32 characters\n"));
        }
        out
    }

    fn created(&self, made: &Made) -> String {
        let (namespace, cluster) = (self.cluster().namespace(), self.cluster().name());
        let by = if made.is_object() {
            format!("DatabaseRole `{}`", object_name(&made.written))
        } else {
            "`spec.managed.roles`".into()
        };
        let mut out = format!("Role `{}` of cluster `{namespace}/{cluster}` is declared by {by}.\n", self.name);
        match self.secret() {
            Some(secret) => out.push_str(&format!(
                "- Its password, 32 generated characters, is in Secret `{secret}` (keys `username`, `password`) and nowhere else; a person with access reads it with `kubectl get secret -n {namespace} {secret} -o jsonpath='{{.data.password}}' | base64 -d`\n"
            )),
            None => out.push_str("- It has no password\n"),
        }
        out
    }
}
