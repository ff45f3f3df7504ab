//! A change in two steps: looked at as a plan, then carried out exactly as it was looked at.

mod apply;
mod plan;

use serde_json::{Map, Value};

use crate::call::Call;
use crate::catalogue::{self, Entry};
use crate::parameter::{Parameter, Takes};
use crate::problem::Problem;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&plan::TOOL, &apply::TOOL];

const TOOL: Parameter = Parameter::required(
    "tool",
    Takes::Text("^[a-z_]{1,64}$"),
    "Name of the tool that makes the change: one that has the parameter `dry_run`.",
);
const ARGUMENTS: Parameter = Parameter::required(
    "arguments",
    Takes::Json(r#"{"type": "object", "maxProperties": 64}"#),
    "The tool's arguments, as it would be called directly; `dry_run` is set here.",
);

/// The tool to plan for, with its arguments checked as the host checks those of a direct call.
fn inner(call: &Call<'_>, tool: &str, arguments: &Map<String, Value>) -> Result<&'static Entry, Problem> {
    let plannable =
        |one: &&Entry| call.settings.profile.includes(one) && one.parameters.iter().any(|each| each.name == "dry_run");
    let entry = catalogue::find(tool).filter(plannable).ok_or_else(|| unplannable(tool))?;
    let takes = entry.takes();
    for name in arguments.keys() {
        if !takes.iter().any(|one| one.name == name) {
            return Err(misfit(tool, format!("`{tool}` has no parameter `{name}`")));
        }
    }
    for parameter in &takes {
        parameter.fits(arguments.get(parameter.name)).map_err(|why| misfit(tool, format!("`{}` {why}", parameter.name)))?;
    }
    Ok(entry)
}

fn unplannable(tool: &str) -> Problem {
    Problem::argument(
        "tool",
        format!("`{tool}` is no tool of this server that can be tried without being done"),
        "Name one whose input schema has `dry_run`, e.g. `scale_postgres_cluster`.",
    )
}

fn misfit(tool: &str, why: String) -> Problem {
    Problem::argument("arguments", why, format!("See the input schema of `{tool}`."))
}
