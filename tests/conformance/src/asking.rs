//! Tools from before 2026-07-28 that ask once, with forms of every shape. On an older wire the host turns the question into a
//! server-to-client request; the tool does not know.

use portcullis_plugin::{Context, Elicitation, Failure, Outcome, Output, Question, progress};
use serde_json::{Value, json};

/// The key of the only question.
const KEY: &str = "answer";

/// The answer, if the tool is one of these.
pub(crate) fn call(ctx: &Context, name: &str, arguments: &str) -> Option<Result<Outcome, Failure>> {
    Some(match name {
        "test_sampling" => text(arguments, "prompt").and_then(|prompt| sample(ctx, &prompt)),
        "test_missing_capability" => sample_anyway(ctx),
        "test_elicitation" => text(arguments, "message").and_then(|message| elicit(ctx, &message, person())),
        "test_streaming_elicitation" => streaming(ctx),
        "test_elicitation_sep1034_defaults" => elicit(ctx, "Please provide values (all have defaults)", defaults()),
        "test_elicitation_sep1330_enums" => elicit(ctx, "Test enum schema improvements", enums()),
        _ => return None,
    })
}

fn text(arguments: &str, key: &str) -> Result<String, Failure> {
    let arguments: Value = portcullis_plugin::arguments(arguments)?;
    let text = arguments.get(key).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Failure::invalid_arguments(["`", key, "` is missing"].concat()))
}

fn sample(ctx: &Context, prompt: &str) -> Result<Outcome, Failure> {
    if !ctx.can("sampling/createMessage") {
        return Ok(Output::error("This client does not support sampling.").into());
    }
    match ctx.answer_as::<Value>(KEY)? {
        Some(answer) => {
            let words = answer.pointer("/content/text").and_then(Value::as_str).unwrap_or("no text");
            Ok(Output::text(["LLM response: ", words].concat()).into())
        }
        None => Ok(Outcome::ask(vec![sampling(prompt)])),
    }
}

/// Asks what the client cannot answer: the host must refuse with the capability's name.
fn sample_anyway(ctx: &Context) -> Result<Outcome, Failure> {
    match ctx.answer(KEY) {
        Some(_) => Ok(Output::text("The client has sampling.").into()),
        None => Ok(Outcome::ask(vec![sampling("Is there anybody?")])),
    }
}

fn sampling(prompt: &str) -> Question {
    let message = json!({"role": "user", "content": {"type": "text", "text": prompt}});
    Question::sample(KEY, json!({"messages": [message], "maxTokens": 100}))
}

fn streaming(ctx: &Context) -> Result<Outcome, Failure> {
    progress::report(1.0, None, Some("About to ask"));
    elicit(ctx, "Shall the stream go on?", json!({"type": "object", "properties": {"yes": {"type": "boolean"}}}))
}

fn elicit(ctx: &Context, message: &str, schema: Value) -> Result<Outcome, Failure> {
    if !ctx.can_elicit() {
        return Ok(Output::error("This client does not support elicitation.").into());
    }
    let action = match ctx.elicitation(KEY)? {
        None => return Ok(Outcome::ask(vec![Question::elicit(KEY, message, schema)])),
        Some(Elicitation::Accepted(content)) => ["accept, content=", content].concat(),
        Some(Elicitation::Declined) => "decline".to_owned(),
        Some(Elicitation::Cancelled) => "cancel".to_owned(),
    };
    Ok(Output::text(["Elicitation completed: action=", &action].concat()).into())
}

fn person() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        },
        "required": ["username", "email"],
    })
}

fn defaults() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "User's name", "default": "John Doe"},
            "age": {"type": "integer", "description": "User's age", "default": 30},
            "score": {"type": "number", "description": "User's score", "default": 95.5},
            "status": {"type": "string", "description": "User's status", "enum": ["active", "inactive", "pending"], "default": "active"},
            "verified": {"type": "boolean", "description": "Whether user is verified", "default": true},
        },
        "required": [],
    })
}

fn enums() -> Value {
    let titled = |title: [&str; 3]| {
        let one = |(number, title): (usize, &str)| json!({"const": format!("value{number}"), "title": title});
        (1..=3).zip(title).map(one).collect::<Vec<_>>()
    };
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
            "titledSingle": {"type": "string", "oneOf": titled(["First Option", "Second Option", "Third Option"])},
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled(["First Choice", "Second Choice", "Third Choice"])}},
        },
        "required": [],
    })
}

#[cfg(test)]
mod tests {
    use portcullis_plugin::{Content, Context, Outcome};

    #[test]
    fn a_client_without_sampling_gets_an_error_result() {
        let outcome = super::sample(&Context::default(), "hello");
        assert!(matches!(outcome, Ok(Outcome::Complete(output)) if output.is_error));
    }

    #[test]
    fn the_models_words_come_back_in_the_result() {
        let ctx = Context {
            can_ask: vec!["sampling/createMessage".to_owned()],
            answers: vec![(super::KEY.to_owned(), r#"{"content":{"type":"text","text":"hi"}}"#.to_owned())],
            ..Context::default()
        };
        let outcome = super::sample(&ctx, "hello");
        assert!(
            matches!(outcome, Ok(Outcome::Complete(output)) if output.content == [Content::Text("LLM response: hi".to_owned())])
        );
    }
}
