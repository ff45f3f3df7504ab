//! apply_plan: carries out a plan, if nothing that it rests on has changed and the human agrees. The change itself is the tool's, with its
//! own preconditions on the write.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ARGUMENTS, TOOL as WHICH, inner};
use crate::answer::Outcome;
use crate::arguments::read;
use crate::blast::Radius;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::consent::{Consent, Danger, obtain};
use crate::parameter::{Parameter, Takes};
use crate::plan::{self, Trial};
use crate::problem::Problem;
use crate::profile::Level;
use crate::shape::Shape;

pub(crate) const TOOL: Entry = Entry {
    name: "apply_plan",
    title: "Apply a plan",
    description: "Carry out a plan of `plan_change` exactly as it was shown. Refused if an object that it rests on was changed since. Asks the human when the client can; otherwise needs `confirm_name`.",
    parameters: &[
        WHICH,
        ARGUMENTS,
        Parameter::required("plan_id", Takes::Text("^plan-[0-9a-f]{32}$"), "As `plan_change` gave it."),
        Parameter::optional(
            "confirm_name",
            Takes::Text(""),
            "null",
            "Name of the object that is changed, once more, if the client cannot ask the human.",
        ),
    ],
    shape: Shape { properties: r#"{"plan_id": {"type": "string"}, "name": {"type": "string"}}"#, required: &[] },
    hints: Hints { read_only: false, destructive: true, idempotent: false },
    level: Level::Operate,
    promised: false,
    rules: &[],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    tool: String,
    arguments: Map<String, Value>,
    plan_id: String,
    confirm_name: Option<String>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let entry = inner(call, &input.tool, &input.arguments)?;
    let trial = plan::attempt(call, entry, &input.arguments)?;
    if trial.answer.is_error {
        return Ok(trial.answer.into());
    }
    if trial.id != input.plan_id {
        return Err(stale(&trial));
    }
    let mut arguments = input.arguments.clone();
    arguments.insert("dry_run".into(), false.into());
    if entry.parameters.iter().any(|one| one.name == "confirm_name") {
        // The tool asks by itself, about the very object.
        arguments.insert("confirm_name".into(), input.confirm_name.clone().into());
    } else if let Consent::Ask(question) = agree(call, entry, &input, &trial)? {
        return Ok(Outcome::Ask(question));
    }
    plan::carry_out(call, entry, &arguments, &trial)
}

/// The human's word on a change whose tool does not ask.
fn agree(call: &Call<'_>, entry: &Entry, input: &Input, trial: &Trial) -> Result<Consent, Problem> {
    let radius = Radius::of(&trial.answer.structured, entry.level == Level::Administer);
    let name = object(&input.arguments);
    obtain(
        call,
        &Danger {
            tool: "apply_plan",
            noun: "object",
            name,
            identity: &trial.id,
            question: format!("Carry out this plan ({} on {name})?", entry.name),
            impact: format!("{}\n{}", trial.answer.text.trim_end(), radius.markdown()),
            undone: "was not changed",
            flag: None,
            confirm_name: input.confirm_name.as_deref(),
        },
    )
}

/// What the tool's arguments call the thing that is changed.
fn object(arguments: &Map<String, Value>) -> &str {
    let names = ["name", "database_name", "role_name", "cluster_name"];
    names.iter().find_map(|key| arguments.get(*key).and_then(Value::as_str)).unwrap_or("yes")
}

fn stale(trial: &Trial) -> Problem {
    let basis: Vec<&str> = trial.basis.keys().map(String::as_str).collect();
    Problem::refused(
        "PlanIsStale",
        format!(
            "this is no plan for the state of now: the tool, its arguments, or one of {} changed since; nothing was changed",
            basis.join(", ")
        ),
        "Call `plan_change` again and look at what differs.",
    )
    .next(&["plan_change"])
}
