//! delete_subscription: removes the object that declares it; drops it in PostgreSQL only with consent.

use super::{DATABASE_NAME, Removal, SUBSCRIPTION};
use crate::answer::Outcome;
use crate::applied;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::declared::removing::{DROP, PROPERTIES, REQUIRED};
use crate::kind::SUBSCRIPTIONS;
use crate::parameter::{CLUSTER_NAME, CONFIRM, CONFIRM_NAME, DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;

pub(crate) const TOOL: Entry = Entry {
    name: "delete_subscription",
    title: "Delete a subscription",
    description: "Delete the Subscription object that declares a subscription. With its reclaim policy `delete`, or `drop: true`, it is dropped in PostgreSQL too: then the human is asked when the client can, else `confirm_name` must repeat its name. With `retain` it stays there.",
    parameters: &[
        CLUSTER_NAME,
        DATABASE_NAME,
        Parameter::required("subscription_name", Takes::Text(""), "Name of the subscription in PostgreSQL."),
        DROP,
        CONFIRM,
        CONFIRM_NAME,
        NAMESPACE,
        applied::WAIT,
        applied::TIMEOUT,
        DRY_RUN,
    ],
    shape: Shape { properties: PROPERTIES, required: REQUIRED },
    hints: Hints { read_only: false, destructive: true, idempotent: false },
    level: Level::Administer,
    promised: false,
    rules: &[Rule::on(SUBSCRIPTIONS, &["get", "list", "patch", "delete", "watch"])],
    run,
};

/// What a drop breaks.
const CONSEQUENCE: &str = "no more changes come in, and a replication slot that cannot be dropped over there keeps its WAL";

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    read::<Removal>(arguments)?.run(call, &SUBSCRIPTION, CONSEQUENCE)
}
