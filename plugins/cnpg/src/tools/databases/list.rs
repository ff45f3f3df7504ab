//! list_postgres_databases: what Database objects declare, and how far the operator is.

use serde_json::{Map, Value};

use super::{CREATE_OPTIONS, DATABASE};
use crate::answer::Outcome;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::declared::listing::{Listing, OF_CLUSTER, list, shape_of_list};
use crate::json::text;
use crate::kind::DATABASES;
use crate::parameter::{ALL_NAMESPACES, CURSOR, FORMAT, LIMIT, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

pub(crate) const TOOL: Entry = Entry {
    name: "list_postgres_databases",
    title: "List databases",
    description: "List the databases that Database objects declare for a PostgreSQL cluster (or for all of them): owner, what a deletion does, whether the operator has applied it. Databases that somebody made in PostgreSQL by hand are not listed.",
    parameters: &[OF_CLUSTER, NAMESPACE, ALL_NAMESPACES, LIMIT, CURSOR, FORMAT],
    shape: Shape {
        properties: shape_of_list!("databases", "database_name", r#", "owner": {"type": "string"}"#),
        required: &["databases", "count", "scope", "next_cursor"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: true,
    rules: &[Rule::on(DATABASES, &["list"])],
    run,
};

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let listing = Listing {
        what: &DATABASE,
        key: "databases",
        name_key: "database_name",
        create_tool: "create_postgres_database",
        header: &["Owner"],
        own: &own,
    };
    list(call, arguments, &listing).map(Outcome::Done)
}

fn own(object: &Value) -> (Map<String, Value>, Vec<String>) {
    let owner = text(object, "/spec/owner").unwrap_or_default();
    let mut keys = Map::new();
    keys.insert("owner".into(), owner.into());
    for option in CREATE_OPTIONS {
        if let Some(value) = text(object, &format!("/spec/{option}")) {
            keys.insert(option.into(), short(value).into());
        }
    }
    (keys, vec![short(owner)])
}
