//! list_publications: what Publication objects declare, and how far the operator is.

use serde_json::{Map, Value};

use super::{PUBLICATION, tables};
use crate::answer::Outcome;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::declared::listing::{Listing, OF_CLUSTER, OF_DATABASE, list, shape_of_list};
use crate::json::text;
use crate::kind::PUBLICATIONS;
use crate::parameter::{ALL_NAMESPACES, CURSOR, FORMAT, LIMIT, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

pub(crate) const TOOL: Entry = Entry {
    name: "list_publications",
    title: "List publications",
    description: "List the publications that Publication objects declare, of one cluster or all: database, what is published, what a deletion does, whether the operator has applied it.",
    parameters: &[OF_CLUSTER, OF_DATABASE, NAMESPACE, ALL_NAMESPACES, LIMIT, CURSOR, FORMAT],
    shape: Shape {
        properties: shape_of_list!(
            "publications",
            "publication_name",
            r#", "database_name": {"type": "string"}, "publishes": {"type": "string", "description": "In words"}, "parameters": {"type": "object"}"#
        ),
        required: &["publications", "count", "scope", "next_cursor"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[Rule::on(PUBLICATIONS, &["list"])],
    run,
};

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let listing = Listing {
        what: &PUBLICATION,
        key: "publications",
        name_key: "publication_name",
        create_tool: "create_publication",
        header: &["Database", "Publishes"],
        own: &own,
    };
    list(call, arguments, &listing).map(Outcome::Done)
}

fn own(object: &Value) -> (Map<String, Value>, Vec<String>) {
    let (database, publishes) = (text(object, "/spec/dbname").unwrap_or_default(), tables::words(object));
    let mut keys = Map::new();
    keys.insert("database_name".into(), database.into());
    keys.insert("publishes".into(), publishes.clone().into());
    keys.insert("parameters".into(), tables::options(object).into());
    (keys, vec![short(database), publishes])
}
