//! delete_publication: removes the object that declares it; drops it in PostgreSQL only with consent.

use super::{DATABASE_NAME, PUBLICATION, Removal};
use crate::answer::Outcome;
use crate::applied;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::declared::removing::{DROP, PROPERTIES, REQUIRED};
use crate::kind::PUBLICATIONS;
use crate::parameter::{CLUSTER_NAME, CONFIRM, CONFIRM_NAME, DRY_RUN, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;

pub(crate) const TOOL: Entry = Entry {
    name: "delete_publication",
    title: "Delete a publication",
    description: "Delete the Publication object that declares a publication. With its reclaim policy `delete`, or `drop: true`, it is dropped in PostgreSQL too: then the human is asked when the client can, else `confirm_name` must repeat its name. With `retain` it stays there.",
    parameters: &[
        CLUSTER_NAME,
        DATABASE_NAME,
        Parameter::required("publication_name", Takes::Text(""), "Name of the publication in PostgreSQL."),
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
    rules: &[Rule::on(PUBLICATIONS, &["get", "list", "patch", "delete", "watch"])],
    run,
};

/// What a drop breaks.
const CONSEQUENCE: &str = "subscriptions to it stop with an error";

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    read::<Removal>(arguments)?.run(call, &PUBLICATION, CONSEQUENCE)
}
