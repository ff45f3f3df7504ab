//! create_subscription: declares that a database takes in the changes of a publication elsewhere.

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::connection::{self, Connection};
use super::{DATABASE_NAME, OPTIONS, RECLAIM_POLICY, SUBSCRIPTION};
use crate::answer::Outcome;
use crate::applied;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::declared::Place;
use crate::declared::creating::{PROPERTIES, REQUIRED, Wanted, create};
use crate::kind::{CLUSTERS, SUBSCRIPTIONS};
use crate::parameter::{CLUSTER_NAME, DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;

pub(crate) const TOOL: Entry = Entry {
    name: "create_subscription",
    title: "Create a subscription",
    description: "Declare a subscription in a database: it takes in the changes of a publication in another cluster (logical replication). The tables must exist here already: PostgreSQL replicates rows, not definitions. Waits until the operator has made it, or says why it could not.",
    parameters: &[
        CLUSTER_NAME,
        DATABASE_NAME,
        Parameter::required("subscription_name", Takes::Text(""), "Name of the new subscription in PostgreSQL."),
        Parameter::required("publication_name", Takes::Text(""), "Publication to subscribe to, by its name over there."),
        Parameter::required(
            "external_cluster",
            Takes::Text(""),
            "The cluster of the publication, by its name in `spec.externalClusters`.",
        ),
        Parameter::optional(
            "publication_database",
            Takes::Text(""),
            "null",
            "Database of the publication. Left out: that of the connection.",
        ),
        Parameter::optional(
            "connection",
            Takes::Json(connection::SCHEMA),
            "null",
            "How to reach the external cluster, if this cluster does not know it yet; it is then added. The password stays in a Secret of this namespace.",
        ),
        OPTIONS,
        RECLAIM_POLICY,
        NAMESPACE,
        applied::WAIT,
        applied::TIMEOUT,
        DRY_RUN,
    ],
    shape: Shape { properties: PROPERTIES, required: REQUIRED },
    hints: Hints { read_only: false, destructive: false, idempotent: true },
    level: Level::Provision,
    promised: false,
    rules: &[Rule::on(SUBSCRIPTIONS, &["create", "get", "list", "watch"]), Rule::on(CLUSTERS, &["get", "patch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    cluster_name: String,
    database_name: String,
    subscription_name: String,
    publication_name: String,
    external_cluster: String,
    publication_database: Option<String>,
    connection: Option<Connection>,
    parameters: Option<Value>,
    reclaim_policy: Option<String>,
    namespace: Option<String>,
    wait: Option<bool>,
    timeout: Option<i64>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    for (parameter, name) in [("database_name", &input.database_name), ("publication_name", &input.publication_name)] {
        crate::declared::check(parameter, name)?;
    }
    let namespace = call.namespace(input.namespace.as_deref());
    let wanted = Wanted {
        place: Place {
            namespace: &namespace,
            cluster: &input.cluster_name,
            database: Some(&input.database_name),
            name: &input.subscription_name,
        },
        spec: spec(&input),
        policy: input.reclaim_policy.as_deref(),
        notes: Vec::new(),
        dry_run: input.dry_run,
        wait: input.wait,
        timeout: input.timeout,
        update: None,
    };
    let dry_run = input.dry_run.unwrap_or(false);
    let added = RefCell::new(None);
    let examine = |cluster: &Value| {
        let note = connection::ensure(call, cluster, &input.external_cluster, input.connection.as_ref(), dry_run)?;
        added.replace(note.clone());
        Ok(note.into_iter().collect())
    };
    create(call, &SUBSCRIPTION, wanted, &examine).map(Outcome::Done).map_err(|problem| match added.take() {
        Some(note) if !dry_run => Problem { hint: format!("{} {note} all the same.", problem.hint).into(), ..problem },
        _ => problem,
    })
}

fn spec(input: &Input) -> Map<String, Value> {
    let mut spec = Map::new();
    spec.insert("publicationName".into(), input.publication_name.as_str().into());
    spec.insert("externalClusterName".into(), input.external_cluster.as_str().into());
    spec.insert("publicationDBName".into(), input.publication_database.clone().into());
    spec.insert("parameters".into(), input.parameters.clone().unwrap_or_default());
    spec
}
