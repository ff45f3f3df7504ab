//! create_publication: declares which tables of a database may be subscribed to.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{DATABASE_NAME, OPTIONS, PUBLICATION, RECLAIM_POLICY, tables};
use crate::answer::Outcome;
use crate::applied;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::declared::Place;
use crate::declared::creating::{PROPERTIES, REQUIRED, Wanted, create};
use crate::kind::{CLUSTERS, PUBLICATIONS};
use crate::parameter::{CLUSTER_NAME, DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;

pub(crate) const TOOL: Entry = Entry {
    name: "create_publication",
    title: "Create a publication",
    description: "Declare a publication in a database: the tables whose changes other clusters may subscribe to (logical replication). Name `tables` or `schemas`, or say `all_tables: true`. Waits until the operator has made it, or says why it could not.",
    parameters: &[
        CLUSTER_NAME,
        DATABASE_NAME,
        Parameter::required("publication_name", Takes::Text(""), "Name of the new publication in PostgreSQL."),
        Parameter::optional("all_tables", Takes::Flag, "null", "Publish every table, also those that come later."),
        Parameter::optional(
            "tables",
            Takes::Json(tables::TABLES),
            "null",
            "Tables: `schema.table`, or `{\"schema\": \"sales\", \"name\": \"orders\", \"columns\": [\"id\", \"total\"]}`.",
        ),
        Parameter::optional("schemas", Takes::Json(tables::SCHEMAS), "null", "Publish every table of these schemas."),
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
    rules: &[Rule::on(PUBLICATIONS, &["create", "get", "list", "watch"]), Rule::on(CLUSTERS, &["get"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    cluster_name: String,
    database_name: String,
    publication_name: String,
    all_tables: Option<bool>,
    tables: Option<Vec<Value>>,
    schemas: Option<Vec<String>>,
    parameters: Option<Value>,
    reclaim_policy: Option<String>,
    namespace: Option<String>,
    wait: Option<bool>,
    timeout: Option<i64>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    crate::declared::check("database_name", &input.database_name)?;
    let (tables, schemas) = (input.tables.as_deref().unwrap_or_default(), input.schemas.as_deref().unwrap_or_default());
    let mut spec = Map::new();
    spec.insert("target".into(), tables::target(input.all_tables, tables, schemas)?);
    spec.insert("parameters".into(), input.parameters.clone().unwrap_or_default());
    let namespace = call.namespace(input.namespace.as_deref());
    let wanted = Wanted {
        place: Place {
            namespace: &namespace,
            cluster: &input.cluster_name,
            database: Some(&input.database_name),
            name: &input.publication_name,
        },
        spec,
        policy: input.reclaim_policy.as_deref(),
        notes: Vec::new(),
        dry_run: input.dry_run,
        wait: input.wait,
        timeout: input.timeout,
        update: None,
    };
    create(call, &PUBLICATION, wanted, &|_| Ok(Vec::new())).map(Outcome::Done)
}
