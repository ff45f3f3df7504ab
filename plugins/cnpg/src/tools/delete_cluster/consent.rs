//! Whether the deletion was agreed to: by the human, who is asked when the client can show a form, else by the name given twice.

use serde_json::{Value, json};

use super::Input;
use super::impact::Impact;
use crate::answer::{Question, ask_for_name};
use crate::call::Call;
use crate::cluster::Cluster;
use crate::json::text;
use crate::problem::Problem;

/// The method that shows a form.
const ELICIT: &str = "elicitation/create";

/// The answer.
pub(super) enum Consent {
    /// By whom: "human" or "confirm_name".
    Given(&'static str),
    Ask(Question),
}

/// Finds out.
pub(super) fn obtain(call: &Call<'_>, input: &Input, cluster: Cluster<'_>, impact: &Impact) -> Result<Consent, Problem> {
    if input.confirm_deletion == Some(false) {
        return Err(unconfirmed(cluster, impact, "`confirm_deletion` is false"));
    }
    if let Some(name) = input.confirm_name.as_deref().filter(|name| *name != cluster.name()) {
        let message = format!("`{name}` is not the name of the cluster (`{}`); nothing was deleted", cluster.name());
        return Err(Problem::argument("confirm_name", message, "Repeat the cluster's name exactly."));
    }
    if let Some((_, answer)) = call.context.answers.iter().find(|(key, _)| key == "confirm") {
        return answered(call, cluster, answer);
    }
    if call.context.can_ask.iter().any(|one| one == ELICIT) {
        return Ok(Consent::Ask(question(cluster, impact)));
    }
    if input.confirm_name.is_none() {
        return Err(unconfirmed(cluster, impact, "this client cannot ask the human, so the name must be given once more"));
    }
    Ok(Consent::Given("confirm_name"))
}

fn answered(call: &Call<'_>, cluster: Cluster<'_>, answer: &Value) -> Result<Consent, Problem> {
    let asked_about = call.context.state.as_ref().and_then(|state| text(state, "/uid"));
    if asked_about != Some(cluster.uid()) {
        return Err(super::another(cluster));
    }
    if text(answer, "/action") != Some("accept") {
        let message = format!("the human did not agree; cluster `{}` stays as it is", cluster.name());
        return Err(Problem::refused("Declined", message, "Do not ask again unless the human wants it."));
    }
    match text(answer, "/content/confirm_name") {
        Some(name) if name.trim() == cluster.name() => Ok(Consent::Given("human")),
        other => {
            let message =
                format!("the human typed `{}`, not `{}`; nothing was deleted", other.unwrap_or_default(), cluster.name());
            Err(Problem::refused("Declined", message, "Call again if that was a slip."))
        }
    }
}

fn question(cluster: Cluster<'_>, impact: &Impact) -> Question {
    let message = format!(
        "Delete PostgreSQL cluster {}/{} with its data?\n\n{}",
        cluster.namespace(),
        cluster.name(),
        impact.markdown(true)
    );
    ask_for_name(message, cluster.name(), json!({"uid": cluster.uid()}))
}

fn unconfirmed(cluster: Cluster<'_>, impact: &Impact, why: &str) -> Problem {
    let name = cluster.name();
    let message = format!("cluster `{}/{name}` was not deleted: {why}", cluster.namespace());
    let hint = format!(
        "{}\nOnly if the human wants all of this gone, call again with `confirm_deletion: true` and `confirm_name: \"{name}\"`.",
        impact.markdown(true)
    );
    Problem::refused("ConfirmationRequired", message, hint).next(&["delete_postgres_cluster"])
}
