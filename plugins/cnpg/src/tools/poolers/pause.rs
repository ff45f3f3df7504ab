//! pause_pooler and resume_pooler: PgBouncer lets no more transactions begin, for a switchover or a short maintenance, or again does.

use serde::Deserialize;
use serde_json::Value;

use super::{POOLER, is_paused};
use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::json::json;
use crate::kind::POOLERS;
use crate::parameter::{DRY_RUN, NAMESPACE};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;

pub(crate) const PAUSE: Entry = Entry {
    name: "pause_pooler",
    title: "Pause a pooler",
    description: "Pause a pooler: PgBouncer waits until running transactions (with session pooling: sessions) end and lets no new ones through; clients wait instead of failing, until `resume_pooler`.",
    parameters: &[POOLER, NAMESPACE, DRY_RUN],
    shape: Shape { properties: shape_of_change!(""), required: REQUIRED },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(POOLERS, &["get", "patch"])],
    run: |call, arguments| run(call, arguments, true),
};

pub(crate) const RESUME: Entry = Entry {
    name: "resume_pooler",
    title: "Resume a pooler",
    description: "Resume a pooler that was paused: waiting clients go on.",
    parameters: &[POOLER, NAMESPACE, DRY_RUN],
    shape: Shape { properties: shape_of_change!(""), required: REQUIRED },
    hints: Hints { read_only: false, destructive: false, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(POOLERS, &["get", "patch"])],
    run: |call, arguments| run(call, arguments, false),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str, pause: bool) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let decide = |pooler: &Value| {
        if is_paused(pooler) == pause {
            return Ok(None);
        }
        let notes =
            if pause { vec!["clients wait until it is resumed: nothing fails, nothing goes on".to_owned()] } else { Vec::new() };
        Ok(Some(Wanted::merge(json!({"spec": {"pgbouncer": {"paused": pause}}}), notes)))
    };
    let target = POOLERS.within(call.namespace(input.namespace.as_deref())).named(&input.name);
    let dry_run = input.dry_run.unwrap_or(false);
    let change = Change { call, target, subresource: "", dry_run, decide: &decide };
    let state = if pause { "paused" } else { "resumed" };
    let words = |_: &Value| Words {
        would: format!("would be {state}"),
        did: format!("is being {state}"),
        next: if pause { "`resume_pooler` when the work is done" } else { "`get_pooler` shows whether it runs" },
        extra: json!({}),
    };
    change
        .run(words, if pause { "is paused already" } else { "is not paused" })
        .map(Outcome::Done)
        .map_err(|problem| if problem.code == 404 { problem.next(&["list_poolers"]) } else { problem })
}
