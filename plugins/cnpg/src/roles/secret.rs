//! The Secrets that hold passwords of roles. They are written and never read: the host's identity needs `create` and `patch` on Secrets,
//! no `get`. A Secret that anybody else wrote into is left alone (D3), which the reply to a dry run tells: it carries the metadata, with
//! the managers of the fields, and no value.

use portcullis_plugin::kubernetes::Target;
use serde_json::Value;

use super::password::{Password, base64};
use crate::call::{Call, MANAGER};
use crate::json::{json, list, text};
use crate::kind::{CLUSTER_LABEL, SECRETS};
use crate::naming;
use crate::problem::Problem;

/// The operator watches Secrets with this label: a new password is applied at once (D10).
const RELOAD_LABEL: &str = "cnpg.io/reload";
/// How often a write is tried anew when another call wrote the same Secret in between.
const ATTEMPTS: usize = 3;

/// Whose Secret it is.
pub(crate) struct Login<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) cluster: &'a str,
    pub(crate) role: &'a str,
}

/// The object with which the Secret goes: the DatabaseRole, or else the Cluster.
pub(crate) struct Owner<'a>(pub(crate) &'a Value);

/// A Secret that was written, or would be.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) name: String,
    /// Its resourceVersion, which the operator reports once it has applied it.
    pub(crate) version: Option<String>,
    pub(crate) note: Option<String>,
}

/// The reference's name of the Secret, wherever the role's name allows it. Secrets are not read, so that it cannot be seen whether another
/// cluster has the name: where the same name could be made of another cluster and role, it carries a hash.
pub(crate) fn name(cluster: &str, role: &str) -> String {
    let plain = format!("{cluster}-user-{role}");
    let cuts = (0..plain.len()).filter(|at| plain.get(*at..).is_some_and(|rest| rest.starts_with("-user-"))).count();
    let object = if cuts > 1 { naming::hashed(cluster, &[role]) } else { naming::object(cluster, &[role]) };
    let part = object.strip_prefix(cluster).and_then(|rest| rest.strip_prefix('-')).unwrap_or(&object);
    format!("cnpg-{cluster}-user-{part}")
}

/// Writes the password. With `dry_run` only what the API server says to it.
pub(crate) fn put(
    call: &Call<'_>,
    login: &Login<'_>,
    password: &Password,
    owner: Option<&Owner<'_>>,
    dry_run: bool,
) -> Result<Stored, Problem> {
    let name = name(login.cluster, login.role);
    let target = SECRETS.within(login.namespace).named(&name);
    let mut note = None;
    for attempt in 1.. {
        let seen = rehearse(call, &target, login, password, owner)?;
        if dry_run {
            return Ok(Stored { name, version: None, note });
        }
        let body = body(&name, login, password, owner, seen.as_deref());
        match call.apply_secret(&target, &body, false) {
            Ok(written) => {
                let version = text(&written.object, "/metadata/resourceVersion").map(Into::into);
                return Ok(Stored { name, version, note });
            }
            Err(problem) if problem.code == 409 && attempt < ATTEMPTS => {
                note = Some(format!(
                    "another call wrote Secret `{name}` at the same time; what holds now is the password of this one"
                ));
            }
            Err(problem) => return Err(refused(problem, &target, password)),
        }
    }
    Err(Problem::default())
}

/// Whether we may write it. The resourceVersion it has, if it is there.
fn rehearse(
    call: &Call<'_>,
    target: &Target,
    login: &Login<'_>,
    password: &Password,
    owner: Option<&Owner<'_>>,
) -> Result<Option<String>, Problem> {
    let name = target.name.as_deref().unwrap_or_default();
    let reply = call.apply_secret(target, &body(name, login, password, owner, None), true);
    let reply = reply.map_err(|problem| match problem.code {
        // A trial carries no version to conflict with: somebody else has the fields, even where the host hides who.
        409 if problem.causes.is_empty() => foreign_secret(name, "somebody else applies its fields"),
        _ => refused(problem, target, password),
    });
    let reply = reply?.object;
    let foreign = list(&reply, "/metadata/managedFields")
        .iter()
        .find(|one| text(one, "/manager") != Some(MANAGER) && one.pointer("/fieldsV1/f:data").is_some());
    if let Some(who) = foreign.and_then(|one| text(one, "/manager")) {
        return Err(foreign_secret(name, &format!("`{}` wrote it", crate::text::short(who))));
    }
    Ok(text(&reply, "/metadata/resourceVersion").map(Into::into))
}

fn refused(problem: Problem, target: &Target, password: &Password) -> Problem {
    // A conflict of an apply names the other manager in its causes; one of versions has none.
    if let Some(cause) = problem.causes.first().filter(|_| problem.code == 409) {
        let why = crate::text::short(&cause.message);
        return password.hidden_in(foreign_secret(target.name.as_deref().unwrap_or_default(), &why));
    }
    password.hidden_in(problem)
}

/// A Secret that is not ours to write.
pub(crate) fn foreign_secret(name: &str, why: &str) -> Problem {
    let message = format!("Secret `{name}` is not ours to write ({why}); no password was changed");
    let hint = "Change the password where that Secret comes from. `update_postgres_role` with `replace_secret: true` gives the role a Secret of its own instead, unless that very name is taken.";
    Problem::refused("ForeignSecret", message, hint).next(&["get_postgres_role_status", "update_postgres_role"])
}

fn body(name: &str, login: &Login<'_>, password: &Password, owner: Option<&Owner<'_>>, version: Option<&str>) -> Value {
    let mut metadata = json!({
        "name": name, "namespace": login.namespace,
        "labels": {RELOAD_LABEL: "true", CLUSTER_LABEL: login.cluster, "app.kubernetes.io/managed-by": MANAGER},
    });
    if let Some(map) = metadata.as_object_mut() {
        version.into_iter().for_each(|one| drop(map.insert("resourceVersion".into(), one.into())));
        owner.into_iter().for_each(|one| drop(map.insert("ownerReferences".into(), json!([one.reference()]))));
    }
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/basic-auth",
        "data": {"username": base64(login.role.as_bytes()), "password": password.encoded()},
    })
}

impl Owner<'_> {
    fn reference(&self) -> Value {
        let word = |pointer: &str| text(self.0, pointer).unwrap_or_default();
        let kind = if self.0.pointer("/spec/cluster").is_some() { "DatabaseRole" } else { "Cluster" };
        json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": kind, "name": word("/metadata/name"), "uid": word("/metadata/uid"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_secret_is_called_as_the_reference_called_it() {
        assert_eq!(name("db", "app"), "cnpg-db-user-app");
        assert_eq!(name("my-db", "my-app"), "cnpg-my-db-user-my-app");
    }

    #[test]
    fn d3_no_two_roles_share_a_secret() {
        assert_ne!(name("a", "x-user-y"), name("a-user-x", "y"));
        assert_ne!(name("a", "user-y"), name("a-user", "y"));
        assert_ne!(name("a", "App"), name("a", "app"));
    }
}
