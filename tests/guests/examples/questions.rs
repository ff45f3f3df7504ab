//! Asks before it acts: the answer comes back to a fresh instance, with the state that it handed out.

use portcullis_plugin::{Context, Elicitation, Failure, Outcome, Output, Plugin, Question, Tool};

struct Asker;

impl Plugin for Asker {
    fn tools() -> Vec<Tool> {
        vec![Tool::new("ask", "Asks the user for a name, then greets.")]
    }

    fn call(ctx: &Context, _: &str, _: &str) -> Result<Outcome, Failure> {
        let Some(elicitation) = ctx.elicitation("name")? else {
            if !ctx.can_elicit() {
                return Ok(Output::error("this client cannot ask its user").into());
            }
            let schema = r#"{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}"#;
            return Ok(Outcome::ask_with_state(vec![Question::elicit("name", "Who are you?", schema)], "asked once"));
        };
        let state = ctx.state.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        Ok(match elicitation {
            Elicitation::Accepted(form) => Output::text(format!("{form} after {state}")),
            Elicitation::Declined => Output::error("declined"),
            Elicitation::Cancelled => Output::error("cancelled"),
        }
        .into())
    }
}

portcullis_plugin::manifest!("name: questions\nversion: 0.1.0\ndescription: Asks before it acts.\n");
portcullis_plugin::export!(Asker);
