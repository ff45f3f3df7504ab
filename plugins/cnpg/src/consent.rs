//! Whether something that cannot be undone was agreed to: by the human, who is asked when the client can show a form, else by the name
//! given twice. Every tool that destroys obtains it here, after it looked at the object and before it changes anything.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::answer::{Question, ask_for_name};
use crate::call::Call;
use crate::json::{json, text};
use crate::problem::Problem;

/// The method that shows a form.
const ELICIT: &str = "elicitation/create";

/// What is about to happen, and to what.
pub(crate) struct Danger<'a> {
    /// The tool that asks, for the hint.
    pub(crate) tool: &'static str,
    /// E.g. "cluster".
    pub(crate) noun: &'static str,
    /// What must be typed.
    pub(crate) name: &'a str,
    /// What identifies the very object that was looked at: its uid, or anything that changes when another takes its name.
    pub(crate) identity: &'a str,
    /// The question, in one line: "Delete PostgreSQL cluster prod/db with its data?".
    pub(crate) question: String,
    /// What goes and what stays, as Markdown.
    pub(crate) impact: String,
    /// What did not happen, for refusals: "was not deleted".
    pub(crate) undone: &'static str,
    /// Name of the boolean parameter, e.g. "confirm_deletion"; `None` if the tool has only `confirm_name`.
    pub(crate) flag: Option<(&'static str, Option<bool>)>,
    /// The parameter `confirm_name`.
    pub(crate) confirm_name: Option<&'a str>,
}

/// An object as the human was shown it, for [`Danger::identity`] where agreeing to one spec is not agreeing to another. `Change::make_agreed`
/// holds the same between the answer and the change.
pub(crate) fn as_seen(object: &Value) -> String {
    let spec = object.get("spec").map(Value::to_string).unwrap_or_default();
    let digest: String = Sha256::digest(spec.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{} {digest}", text(object, "/metadata/uid").unwrap_or_default())
}

/// The answer.
pub(crate) enum Consent {
    /// By whom: "human" or "confirm_name".
    Given(&'static str),
    Ask(Question),
}

/// Refuses what the caller's own words contradict: a flag that says no, or another name. Holds even where no new consent is needed.
pub(crate) fn contradicted(danger: &Danger<'_>) -> Result<(), Problem> {
    if let Some((flag, Some(false))) = danger.flag {
        return Err(danger.unconfirmed(&format!("`{flag}` is false")));
    }
    if let Some(name) = danger.confirm_name.filter(|name| *name != danger.name) {
        let message = format!("`{name}` is not the name of the {} (`{}`); it {}", danger.noun, danger.name, danger.undone);
        return Err(Problem::argument("confirm_name", message, format!("Repeat the {}'s name exactly.", danger.noun)));
    }
    Ok(())
}

/// Finds out.
pub(crate) fn obtain(call: &Call<'_>, danger: &Danger<'_>) -> Result<Consent, Problem> {
    contradicted(danger)?;
    if let Some((_, answer)) = call.context.answers.iter().find(|(key, _)| key == "confirm") {
        return danger.answered(call, answer);
    }
    if call.context.can_ask.iter().any(|one| one == ELICIT) {
        return Ok(Consent::Ask(danger.ask()));
    }
    if danger.confirm_name.is_none() {
        return Err(danger.unconfirmed("this client cannot ask the human, so the name must be given once more"));
    }
    Ok(Consent::Given("confirm_name"))
}

impl Danger<'_> {
    fn answered(&self, call: &Call<'_>, answer: &Value) -> Result<Consent, Problem> {
        let asked_about = call.context.state.as_ref().and_then(|state| text(state, "/uid"));
        if asked_about != Some(self.identity) {
            return Err(self.replaced());
        }
        if text(answer, "/action") != Some("accept") {
            let message = format!("the human did not agree; {} `{}` {}", self.noun, self.name, self.undone);
            return Err(Problem::refused("Declined", message, "Do not ask again unless the human wants it."));
        }
        match text(answer, "/content/confirm_name") {
            Some(name) if name.trim() == self.name => Ok(Consent::Given("human")),
            other => {
                let typed = other.unwrap_or_default();
                let message = format!("the human typed `{typed}`, not `{}`; the {} {}", self.name, self.noun, self.undone);
                Err(Problem::refused("Declined", message, "Call again if that was a slip."))
            }
        }
    }

    fn ask(&self) -> Question {
        ask_for_name(format!("{}\n\n{}", self.question, self.impact), self.noun, self.name, json!({"uid": self.identity}))
    }

    /// Another object has the name now.
    pub(crate) fn replaced(&self) -> Problem {
        let message = format!(
            "the {} that is called `{}` now is not the one that was looked at, or is not as it was; it {}",
            self.noun, self.name, self.undone
        );
        Problem::refused("Replaced", message, "Look at it before calling again.")
    }

    fn unconfirmed(&self, why: &str) -> Problem {
        let flag = self.flag.map(|(name, _)| format!("`{name}: true` and ")).unwrap_or_default();
        let hint = format!(
            "{}\nOnly if the human wants all of this, call `{}` again with {flag}`confirm_name: \"{}\"`.",
            self.impact, self.tool, self.name
        );
        Problem::refused("ConfirmationRequired", format!("{} `{}` {}: {why}", self.noun, self.name, self.undone), hint)
    }
}
