//! Tools on PostgreSQL roles. What they share lives in `roles`; here are the parameters that several have.

mod create;
mod delete;
mod get_status;
mod list;
mod update;

use serde_json::Value;

use crate::catalogue::Entry;
use crate::parameter::{Parameter, Takes};
use crate::problem::Problem;
use crate::roles::policy::IDENTIFIER_PATTERN;

/// In the order in which a client lists them.
pub(crate) const TOOLS: &[&Entry] = &[&list::TOOL, &get_status::TOOL, &create::TOOL, &update::TOOL, &delete::TOOL];

const ROLE_NAME: Parameter = Parameter::required(
    "role_name",
    Takes::Text(IDENTIFIER_PATTERN),
    "Name of the role in PostgreSQL: any identifier, e.g. `app_user`.",
);
const IDENTIFIERS: Takes =
    Takes::Json(r#"{"type": "array", "maxItems": 100, "items": {"type": "string", "pattern": "^[^\\x00-\\x1f\\x7f]{1,63}$"}}"#);
/// A required text.
fn required<'a>(input: &'a Value, name: &str) -> Result<&'a str, Problem> {
    let missing = || Problem::argument(name, "it is required and must be text", "See the tool's input schema.");
    crate::roles::attributes::word(input, name).ok_or_else(missing)
}

/// Lines of notes.
fn bullets(notes: &[String]) -> String {
    notes.iter().map(|one| format!("- {one}\n")).collect()
}
