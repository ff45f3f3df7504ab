//! plan_change: tries a change on the server and hands out the plan: what differs, what it does to running instances, and the id under
//! which apply_plan carries out exactly this.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ARGUMENTS, TOOL as WHICH, inner};
use crate::answer::{Answer, Outcome};
use crate::arguments::read;
use crate::blast::Radius;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::json::json;
use crate::plan::{self, Trial};
use crate::problem::Problem;
use crate::profile::Level;
use crate::shape::Shape;

pub(crate) const TOOL: Entry = Entry {
    name: "plan_change",
    title: "Plan a change",
    description: "Try a change on the API server without making it (all validation and webhooks run) and get a plan: the differences, warnings, what it does to running instances, and a plan_id for `apply_plan`.",
    parameters: &[WHICH, ARGUMENTS],
    shape: Shape {
        properties: r#"{
"plan_id": {"type": "string"}, "tool": {"type": "string"}, "arguments": {"type": "object"},
"radius": {"type": "object", "properties": {"restart": {"type": "boolean"}, "switchover": {"type": "boolean"},
  "downtime": {"type": "boolean"}, "irreversible": {"type": "boolean"}, "notes": {"type": "array", "items": {"type": "string"}}}},
"basis": {"type": "array", "items": {"type": "string"}, "description": "Objects that the plan rests on: it holds until one of them is changed"},
"trial": {"type": "object", "description": "The tool's own result of the dry run"}
}"#,
        required: &["plan_id", "tool", "arguments", "radius", "basis", "trial"],
    },
    hints: Hints { read_only: true, destructive: false, idempotent: true },
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
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    let entry = inner(call, &input.tool, &input.arguments)?;
    let trial = plan::attempt(call, entry, &input.arguments)?;
    if trial.answer.is_error {
        return Ok(trial.answer.into());
    }
    Ok(describe(entry, &input.arguments, trial).into())
}

fn describe(entry: &Entry, arguments: &Map<String, Value>, trial: Trial) -> Answer {
    let radius = Radius::of(&trial.answer.structured, entry.level == Level::Administer);
    let basis: Vec<&String> = trial.basis.keys().collect();
    let text = format!(
        "{}\n{}\n**Plan**: `{}`. It holds until one of these is changed: {}.\n\nNext: show this to the human; then `apply_plan` with the same `tool` and `arguments` and this `plan_id`.\n",
        trial.answer.text.trim_end(),
        radius.markdown(),
        trial.id,
        basis.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", "),
    );
    let structured = json!({
        "plan_id": trial.id, "tool": entry.name, "arguments": plan::without_secrets(entry, arguments), "radius": radius.structured(), "basis": basis,
        "trial": trial.answer.structured,
    });
    Answer::new(text, structured)
}
