//! delete_postgres_database: removes the Database object that declares it, found by what its spec says. The data goes only with consent.

use portcullis_plugin::kubernetes::Read;
use serde::Deserialize;
use serde_json::Value;

use super::{DATABASE, DATABASE_NAME};
use crate::answer::Outcome;
use crate::applied;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::declared::Place;
use crate::declared::removing::{DROP, PROPERTIES, REQUIRED, Wanted, remove};
use crate::json::{list, text};
use crate::kind::{DATABASES, PUBLICATIONS, SUBSCRIPTIONS};
use crate::parameter::{CLUSTER_NAME, CONFIRM, CONFIRM_NAME, DRY_RUN, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;

/// Objects per list of what depends on it.
const PAGE: u32 = 250;

pub(crate) const TOOL: Entry = Entry {
    name: "delete_postgres_database",
    title: "Delete a database",
    description: "Delete the Database object that declares a database. With its reclaim policy `delete`, or `drop: true`, the database is dropped with its data: then the human is asked when the client can, else `confirm_name` must repeat the database's name. With `retain` the database and its data stay.",
    parameters: &[CLUSTER_NAME, DATABASE_NAME, DROP, CONFIRM, CONFIRM_NAME, NAMESPACE, applied::WAIT, applied::TIMEOUT, DRY_RUN],
    shape: Shape { properties: PROPERTIES, required: REQUIRED },
    hints: Hints { read_only: false, destructive: true, idempotent: false },
    level: Level::Administer,
    promised: true,
    rules: &[
        Rule::on(DATABASES, &["get", "list", "patch", "delete", "watch"]),
        Rule::on(PUBLICATIONS, &["list"]),
        Rule::on(SUBSCRIPTIONS, &["list"]),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    cluster_name: String,
    database_name: String,
    drop: Option<bool>,
    confirm: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    wait: Option<bool>,
    timeout: Option<i64>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let namespace = call.namespace(input.namespace.as_deref());
    let place = Place { namespace: &namespace, cluster: &input.cluster_name, database: None, name: &input.database_name };
    let wanted = Wanted {
        place,
        drop: input.drop,
        confirm: input.confirm,
        confirm_name: input.confirm_name.as_deref(),
        dry_run: input.dry_run,
        wait: input.wait,
        timeout: input.timeout,
    };
    remove(call, &DATABASE, &wanted, &|_| dependents(call, &place))
}

/// What is declared inside the database and would lose its ground.
fn dependents(call: &Call<'_>, place: &Place<'_>) -> Vec<String> {
    let kinds = [PUBLICATIONS, SUBSCRIPTIONS];
    let reads: Vec<Read> = kinds.iter().map(|kind| kind.within(place.namespace).list().limit(PAGE).into()).collect();
    let mut out = Vec::new();
    for (kind, found) in kinds.into_iter().zip(call.read_many(&reads)) {
        match found {
            Ok(found) => {
                let inside = |one: &&Value| {
                    text(one, "/spec/cluster/name") == Some(place.cluster) && text(one, "/spec/dbname") == Some(place.name)
                };
                let names: Vec<&str> =
                    list(&found, "/items").iter().filter(inside).filter_map(|one| text(one, "/metadata/name")).take(20).collect();
                if !names.is_empty() {
                    out.push(format!("{} declared inside it go with it: {}", kind.plural, names.join(", ")));
                }
            }
            // Kinds that this CloudNativePG does not have.
            Err(problem) if problem.code == 404 => {}
            Err(problem) => out.push(format!("whether {} are declared inside it is not known ({})", kind.plural, problem.reason)),
        }
    }
    out
}
