//! Tools on logical replication: publications and subscriptions, by way of the objects that declare them.

mod connection;
mod create_publication;
mod create_subscription;
mod delete_publication;
mod delete_subscription;
mod list_publications;
mod list_subscriptions;
mod tables;

use serde::Deserialize;

use crate::answer::Outcome;
use crate::call::Call;
use crate::catalogue::Entry;
use crate::declared::removing::{Wanted, remove};
use crate::declared::{Declared, Place};
use crate::kind::{PUBLICATIONS, SUBSCRIPTIONS};
use crate::parameter::{Parameter, Takes};
use crate::problem::Problem;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[
    &list_publications::TOOL,
    &create_publication::TOOL,
    &delete_publication::TOOL,
    &list_subscriptions::TOOL,
    &create_subscription::TOOL,
    &delete_subscription::TOOL,
];

const PUBLICATION: Declared = Declared {
    kind: PUBLICATIONS,
    word: "Publication",
    noun: "publication",
    parameter: "publication_name",
    policy: "publicationReclaimPolicy",
    look: &["list_publications"],
    delete_tool: "delete_publication",
};

const SUBSCRIPTION: Declared = Declared {
    kind: SUBSCRIPTIONS,
    word: "Subscription",
    noun: "subscription",
    parameter: "subscription_name",
    policy: "subscriptionReclaimPolicy",
    look: &["list_subscriptions"],
    delete_tool: "delete_subscription",
};

const DATABASE_NAME: Parameter =
    Parameter::required("database_name", Takes::Text(""), "Database that it is in, by its name in PostgreSQL.");
const RECLAIM_POLICY: Parameter = Parameter::optional(
    "reclaim_policy",
    Takes::Choice(&["retain", "delete"]),
    "\"retain\"",
    "What a deletion of the object does in PostgreSQL. retain: nothing. delete: it is dropped there too.",
);
const OPTIONS: Parameter = Parameter::optional(
    "parameters",
    Takes::Json(r#"{"type": "object", "maxProperties": 50, "additionalProperties": {"type": "string", "maxLength": 200}}"#),
    "null",
    "Options of PostgreSQL's `WITH (…)`, e.g. `{\"publish\": \"insert,update\"}` or `{\"copy_data\": \"false\"}`.",
);

/// The arguments of both deletions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removal {
    cluster_name: String,
    database_name: String,
    #[serde(alias = "publication_name")]
    subscription_name: String,
    drop: Option<bool>,
    confirm: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    wait: Option<bool>,
    timeout: Option<i64>,
    dry_run: Option<bool>,
}

impl Removal {
    fn run(&self, call: &Call<'_>, what: &Declared, consequence: &str) -> Result<Outcome, Problem> {
        let namespace = call.namespace(self.namespace.as_deref());
        let place = Place {
            namespace: &namespace,
            cluster: &self.cluster_name,
            database: Some(&self.database_name),
            name: &self.subscription_name,
        };
        let wanted = Wanted {
            place,
            drop: self.drop,
            confirm: self.confirm,
            confirm_name: self.confirm_name.as_deref(),
            dry_run: self.dry_run,
            wait: self.wait,
            timeout: self.timeout,
        };
        remove(call, what, &wanted, &|_| vec![consequence.to_owned()])
    }
}
