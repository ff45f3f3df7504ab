//! list_subscriptions: what Subscription objects declare, and how far the operator is.

use serde_json::{Map, Value};

use super::{SUBSCRIPTION, tables};
use crate::answer::Outcome;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::declared::listing::{Listing, OF_CLUSTER, OF_DATABASE, list, shape_of_list};
use crate::json::text;
use crate::kind::SUBSCRIPTIONS;
use crate::parameter::{ALL_NAMESPACES, CURSOR, FORMAT, LIMIT, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

pub(crate) const TOOL: Entry = Entry {
    name: "list_subscriptions",
    title: "List subscriptions",
    description: "List the subscriptions that Subscription objects declare, of one cluster or all: database, publication and where it is, what a deletion does, whether the operator has applied it.",
    parameters: &[OF_CLUSTER, OF_DATABASE, NAMESPACE, ALL_NAMESPACES, LIMIT, CURSOR, FORMAT],
    shape: Shape {
        properties: shape_of_list!(
            "subscriptions",
            "subscription_name",
            r#", "database_name": {"type": "string"}, "publication_name": {"type": "string"}, "external_cluster": {"type": "string"}, "parameters": {"type": "object"}"#
        ),
        required: &["subscriptions", "count", "scope", "next_cursor"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
    level: Level::Read,
    promised: false,
    rules: &[Rule::on(SUBSCRIPTIONS, &["list"])],
    run,
};

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let listing = Listing {
        what: &SUBSCRIPTION,
        key: "subscriptions",
        name_key: "subscription_name",
        create_tool: "create_subscription",
        header: &["Database", "Publication", "At"],
        own: &own,
    };
    list(call, arguments, &listing).map(Outcome::Done)
}

fn own(object: &Value) -> (Map<String, Value>, Vec<String>) {
    let word = |pointer: &str| text(object, pointer).map(short).unwrap_or_default();
    let (database, publication, at) = (word("/spec/dbname"), word("/spec/publicationName"), word("/spec/externalClusterName"));
    let mut keys = Map::new();
    keys.insert("database_name".into(), database.clone().into());
    keys.insert("publication_name".into(), publication.clone().into());
    keys.insert("external_cluster".into(), at.clone().into());
    keys.insert("parameters".into(), tables::options(object).into());
    (keys, vec![database, publication, at])
}
