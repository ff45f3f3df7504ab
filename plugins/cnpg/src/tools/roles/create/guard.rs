//! Whether a role of this name may be made: what Kubernetes knows to exist is not taken over by accident (D15). PostgreSQL itself cannot be
//! asked from here; what is not known is said.

use portcullis_plugin::kubernetes::ListRequest;
use serde_json::Value;

use crate::call::Call;
use crate::cluster::Cluster;
use crate::json::{list, text};
use crate::kind::DATABASES;
use crate::problem::Problem;
use crate::roles::Roles;
use crate::roles::role::{Role, Source, undeclared as known_to_status};
use crate::text::short;

/// Databases that are looked at for their owners.
const DATABASES_MAX: u32 = 250;

/// Refuses a role that is there; notes for one that may be.
pub(super) fn exists(call: &Call<'_>, roles: &Roles, name: &str, adopt: bool) -> Result<Vec<String>, Problem> {
    crate::guard::is_looked_after(Cluster(&roles.cluster))?;
    if let Some(role) = roles.find(name) {
        return Err(declared(role));
    }
    let object = roles.new_object(name);
    if let Some(other) = roles.object(&object) {
        let of = text(other, "/spec/name").map(short).unwrap_or_default();
        let message =
            format!("DatabaseRole `{object}`, as this role's would be called, is about `{of}` of another cluster or name");
        return Err(Problem::refused("NameTaken", message, "Rename or delete that DatabaseRole first."));
    }
    let why = known(call, roles, name);
    match (why, adopt) {
        (Some(why), false) => Err(present(name, &why)),
        (Some(why), true) => {
            Ok(vec![format!("{why}: its attributes, memberships and password are rewritten to what this call says")])
        }
        (None, true) => Ok(Vec::new()),
        (None, false) => Ok(vec![
            "Kubernetes knows of no such role; had somebody made it with SQL, its attributes and memberships would be rewritten"
                .into(),
        ]),
    }
}

/// It is declared already.
pub(super) fn declared(role: Role<'_>) -> Problem {
    let by = match role.source {
        Source::Object => format!("DatabaseRole `{}`", role.object_name().unwrap_or_default()),
        Source::Inline => "`spec.managed.roles` of the cluster".to_owned(),
    };
    let message = format!("role `{}` is declared already, by {by}", role.name());
    let hint = if role.is_being_deleted() || role.ensure() == "absent" {
        "It is being removed: wait until it is gone."
    } else {
        "Change it with `update_postgres_role`."
    };
    Problem::refused("AlreadyExists", message, hint).next(&["get_postgres_role_status", "update_postgres_role"])
}

/// The same for an entry that came into the list meanwhile.
pub(super) fn undeclared(cluster: &Value, name: &str) -> Result<(), Problem> {
    let entry = list(cluster, "/spec/managed/roles").iter().find(|one| text(one, "/name") == Some(name));
    entry.map_or(Ok(()), |entry| Err(declared(Role::new(Source::Inline, cluster, Some(entry)))))
}

/// Refuses to go on with another cluster that took the name.
pub(super) fn same_cluster(seen: &Value, now: &Value) -> Result<(), Problem> {
    if Cluster(seen).uid() == Cluster(now).uid() {
        return Ok(());
    }
    let message = format!("another cluster is called `{}` now; nothing was changed", Cluster(now).name());
    Err(Problem::refused("Replaced", message, "Look at it before calling again."))
}

fn present(name: &str, why: &str) -> Problem {
    let message = format!("PostgreSQL has a role `{name}` already: {why}");
    let hint = "Declaring it would rewrite its attributes, revoke memberships that are not named, and change its password. If that is what the human wants, pass `adopt: true` with all the attributes it shall keep.";
    Problem::refused("RoleExists", message, hint).next(&["list_postgres_roles"])
}

/// How Kubernetes knows that PostgreSQL has it.
fn known(call: &Call<'_>, roles: &Roles, name: &str) -> Option<String> {
    let cluster = &roles.cluster;
    if application_owner(cluster) == name {
        return Some("it owns the cluster's application database".into());
    }
    if known_to_status(cluster).contains(&name) {
        return Some("the cluster's status lists it as not managed".into());
    }
    // Without the permission to list databases this source is missing; the note says that not everything is known.
    let request: ListRequest = DATABASES.within(Cluster(cluster).namespace()).list().limit(DATABASES_MAX);
    let databases = call.list(&request).ok()?;
    let owned = |one: &&Value| {
        text(one, "/spec/cluster/name") == Some(Cluster(cluster).name())
            && text(one, "/spec/owner") == Some(name)
            && one.pointer("/status/applied").and_then(Value::as_bool) == Some(true)
    };
    let database = list(&databases, "/items").iter().find(owned)?;
    Some(format!("it owns database `{}`", text(database, "/spec/name").map(short).unwrap_or_default()))
}

/// The role that CloudNativePG makes when a cluster begins.
fn application_owner(cluster: &Value) -> &str {
    Cluster(cluster).application().map_or("app", |(_, owner)| owner)
}
