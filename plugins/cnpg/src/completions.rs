//! Values that complete an argument of a prompt or a resource template: namespaces, clusters, roles and databases that exist.

use portcullis_plugin::kubernetes::{Kind, METADATA, OBJECT};
use serde_json::Value;

use crate::call::Call;
use crate::json::{list, text};
use crate::kind::{CLUSTERS, DATABASE_ROLES, DATABASES};
use crate::problem::Problem;
use crate::resources;

/// Objects that one completion looks at: people type on instead of waiting for more.
const LOOKED_AT: u32 = 500;

/// What the user filled in already.
pub(crate) type Known<'a> = &'a [(String, String)];

/// All values of an argument; empty for one whose values nobody lists.
pub(crate) fn values(call: &Call<'_>, argument: &str, known: Known<'_>) -> Result<Vec<String>, Problem> {
    let given =
        |key: &str| known.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str()).filter(|one| !one.is_empty());
    match argument {
        "namespace" => Ok(resources::namespaces(call)?.into_iter().collect()),
        "name" | "cluster" => clusters(call, given("namespace")),
        "role" => roles(call, given("namespace"), given("cluster")),
        "database" => named(call, DATABASES, given("namespace"), given("cluster")),
        _ => Ok(Vec::new()),
    }
}

fn clusters(call: &Call<'_>, namespace: Option<&str>) -> Result<Vec<String>, Problem> {
    let mut names: Vec<String> = match namespace {
        None => resources::page(call, None)?.clusters.into_iter().map(|(_, name)| name).collect(),
        Some(one) => {
            let found = call.list(&CLUSTERS.within(one).list().limit(LOOKED_AT).form(METADATA))?;
            list(&found, "/items").iter().filter_map(|one| text(one, "/metadata/name")).map(str::to_owned).collect()
        }
    };
    names.sort();
    names.dedup();
    Ok(names)
}

/// Roles of their own kind, where it is served, and those in the cluster's spec.
fn roles(call: &Call<'_>, namespace: Option<&str>, cluster: Option<&str>) -> Result<Vec<String>, Problem> {
    let mut names = match named(call, DATABASE_ROLES, namespace, cluster) {
        Err(problem) if problem.code == 404 => Vec::new(),
        other => other?,
    };
    if let Some(cluster) = cluster {
        let object = call.get(&CLUSTERS.within(call.namespace(namespace)).named(cluster))?;
        names.extend(list(&object, "/spec/managed/roles").iter().filter_map(|one| text(one, "/name")).map(str::to_owned));
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// `spec.name` of the objects of a kind that belong to the cluster.
fn named(call: &Call<'_>, kind: Kind, namespace: Option<&str>, cluster: Option<&str>) -> Result<Vec<String>, Problem> {
    let found = call.list(&kind.within(call.namespace(namespace)).list().limit(LOOKED_AT).form(OBJECT))?;
    let belongs = |one: &&Value| cluster.is_none_or(|wanted| text(one, "/spec/cluster/name") == Some(wanted));
    let mut names: Vec<String> =
        list(&found, "/items").iter().filter(belongs).filter_map(|one| text(one, "/spec/name")).map(str::to_owned).collect();
    names.sort();
    Ok(names)
}
