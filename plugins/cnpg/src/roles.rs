//! PostgreSQL roles as Kubernetes declares them: DatabaseRole objects (CloudNativePG 1.30 and later) and entries of a Cluster's
//! `spec.managed.roles` (all versions). This is the one place that finds a role by its name. The tools are in `tools/roles`.

pub(crate) mod applied;
pub(crate) mod attributes;
pub(crate) mod causes;
pub(crate) mod inline;
pub(crate) mod password;
pub(crate) mod policy;
pub(crate) mod role;
pub(crate) mod secret;

use portcullis_plugin::kubernetes::{ListRequest, Target};
use serde_json::Value;

use self::role::{Role, Source};
use crate::call::Call;
use crate::cluster::Cluster;
use crate::json::{list, text};
use crate::kind::{CLUSTERS, DATABASE_ROLES};
use crate::naming;
use crate::problem::Problem;
use crate::served::Served;

/// Objects per request.
const PAGE: u32 = 250;
/// Pages that one call reads at most: 10,000 roles in one namespace.
const PAGES_MAX: usize = 40;

/// The roles of one cluster.
#[derive(Debug)]
pub(crate) struct Roles {
    pub(crate) cluster: Value,
    /// Whether this API server has DatabaseRole.
    pub(crate) served: bool,
    /// Every DatabaseRole of the namespace: a name may be taken by another cluster's.
    objects: Vec<Value>,
    pub(crate) incomplete: bool,
}

impl Roles {
    /// Reads them.
    ///
    /// # Errors
    /// What the API server refuses; a 404 if there is no such cluster.
    pub(crate) fn read(call: &Call<'_>, namespace: &str, cluster: &str) -> Result<Self, Problem> {
        let object = call.get(&CLUSTERS.within(namespace).named(cluster))?;
        let served = Served::cnpg(call)?.has(DATABASE_ROLES.plural);
        let mut roles = Self { cluster: object, served, objects: Vec::new(), incomplete: false };
        let mut after = None;
        for _ in 0..if served { PAGES_MAX } else { 0 } {
            let request: ListRequest = DATABASE_ROLES.within(namespace).list().limit(PAGE).after(after);
            let page = call.list(&request)?;
            roles.objects.extend(list(&page, "/items").iter().cloned());
            after = text(&page, "/metadata/continue").map(Into::into);
            if after.is_none() {
                return Ok(roles);
            }
        }
        roles.incomplete = served;
        Ok(roles)
    }

    /// All of this cluster, DatabaseRoles first.
    pub(crate) fn all(&self) -> Vec<Role<'_>> {
        let name = Cluster(&self.cluster).name();
        let of_cluster = |one: &&Value| text(one, "/spec/cluster/name") == Some(name);
        let objects = self.objects.iter().filter(of_cluster).map(|one| Role::new(Source::Object, one, one.get("spec")));
        objects.chain(self.inline()).collect()
    }

    /// Those in `spec.managed.roles`.
    pub(crate) fn inline(&self) -> impl Iterator<Item = Role<'_>> {
        list(&self.cluster, "/spec/managed/roles").iter().map(|one| Role::new(Source::Inline, &self.cluster, Some(one)))
    }

    /// The role of this name in PostgreSQL, whatever the object that declares it is called (D2).
    pub(crate) fn find(&self, name: &str) -> Option<Role<'_>> {
        self.all().into_iter().find(|one| one.name() == name)
    }

    /// The same, or why it cannot be worked on.
    pub(crate) fn expect(&self, name: &str) -> Result<Role<'_>, Problem> {
        if let Some(role) = self.find(name) {
            return Ok(role);
        }
        let cluster = Cluster(&self.cluster);
        let message = format!("cluster `{}/{}` declares no role `{name}`", cluster.namespace(), cluster.name());
        let hint = "Roles that were made with SQL are not known to Kubernetes: `create_postgres_role` with `adopt: true` takes one over.";
        let problem = Problem { code: 404, reason: "NotFound".into(), ..Problem::argument("role_name", message, hint) };
        Err(problem.next(&["list_postgres_roles", "create_postgres_role"]))
    }

    /// The DatabaseRole of this object name, whichever cluster it belongs to.
    pub(crate) fn object(&self, name: &str) -> Option<&Value> {
        self.objects.iter().find(|one| text(one, "/metadata/name") == Some(name))
    }

    /// Where an object of this cluster lives.
    /// What a new DatabaseRole of this role would be called: as the reference called it, unless another cluster's is called so already.
    pub(crate) fn new_object(&self, role: &str) -> String {
        let cluster = Cluster(&self.cluster).name();
        let plain = naming::object(cluster, &[role]);
        if self.object(&plain).is_none() { plain } else { naming::hashed(cluster, &[role]) }
    }

    pub(crate) fn target(&self, object: &str) -> Target {
        DATABASE_ROLES.within(Cluster(&self.cluster).namespace()).named(object)
    }

    /// Where the cluster lives.
    pub(crate) fn cluster_target(&self) -> Target {
        let cluster = Cluster(&self.cluster);
        CLUSTERS.within(cluster.namespace()).named(cluster.name())
    }
}
