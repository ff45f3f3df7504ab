//! Tools and the prompt of SEP-2322 (questions in results, "MRTR"): what they ask, in which round, and which state they hand out.
//! An answer that is missing or does not fit is asked for again.

use portcullis_plugin::{Context, Elicitation, Failure, Outcome, Output, Question};
use serde_json::{Value, json};

/// What the tools with a state hand out, and want back.
const STATE: &[u8] = b"round 1";

/// The answer, if the tool is `test_input_required_result_{rest}`.
pub(crate) fn call(ctx: &Context, rest: &str) -> Option<Result<Outcome, Failure>> {
    Some(Ok(match rest {
        "elicitation" => elicitation(ctx),
        "sampling" => sampling(ctx),
        "list_roots" => list_roots(ctx),
        "request_state" | "tampered_state" => request_state(ctx),
        "multiple_inputs" => multiple_inputs(ctx),
        "multi_round" => multi_round(ctx),
        "capabilities" => capabilities(ctx),
        _ => return None,
    }))
}

/// A form with one required field of this type.
pub(crate) fn form(key: &str, message: &str, field: &str, kind: &str) -> Question {
    Question::elicit(key, message, json!({"type": "object", "properties": {field: {"type": kind}}, "required": [field]}))
}

/// The text that the user filled in.
pub(crate) fn filled(ctx: &Context, key: &str, field: &str) -> Option<String> {
    let Ok(Some(Elicitation::Accepted(content))) = ctx.elicitation(key) else { return None };
    let content: Value = serde_json::from_str(content).ok()?;
    content.get(field).and_then(Value::as_str).map(str::to_owned)
}

fn elicitation(ctx: &Context) -> Outcome {
    match filled(ctx, "user_name", "name") {
        Some(name) => Output::text(["Hello, ", &name, "!"].concat()).into(),
        None => Outcome::ask(vec![form("user_name", "What is your name?", "name", "string")]),
    }
}

fn question(key: &str, prompt: &str, tokens: u32) -> Question {
    let message = json!({"role": "user", "content": {"type": "text", "text": prompt}});
    Question::sample(key, json!({"messages": [message], "maxTokens": tokens}))
}

fn sampled(ctx: &Context, key: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(ctx.answer(key)?).ok()?;
    answer.pointer("/content/text").and_then(Value::as_str).map(str::to_owned)
}

fn sampling(ctx: &Context) -> Outcome {
    match sampled(ctx, "capital_question") {
        Some(text) => Output::text(text).into(),
        None => Outcome::ask(vec![question("capital_question", "What is the capital of France?", 100)]),
    }
}

fn roots(ctx: &Context, key: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(ctx.answer(key)?).ok()?;
    let roots = answer.get("roots").and_then(Value::as_array)?;
    Some(roots.iter().filter_map(|root| root.get("uri").and_then(Value::as_str)).collect::<Vec<_>>().join(", "))
}

fn list_roots(ctx: &Context) -> Outcome {
    match roots(ctx, "client_roots") {
        Some(uris) => Output::text(["Roots: ", &uris].concat()).into(),
        None => Outcome::ask(vec![Question::roots("client_roots")]),
    }
}

fn request_state(ctx: &Context) -> Outcome {
    let answered = matches!(ctx.elicitation("confirm"), Ok(Some(Elicitation::Accepted(_))));
    if answered && ctx.state.as_deref() == Some(STATE) {
        return Output::text("state-ok").into();
    }
    Outcome::ask_with_state(vec![form("confirm", "Please confirm", "ok", "boolean")], STATE)
}

fn multiple_inputs(ctx: &Context) -> Outcome {
    let answers = (filled(ctx, "user_name", "name"), sampled(ctx, "greeting"), roots(ctx, "client_roots"));
    if let (Some(name), Some(greeting), Some(uris)) = answers {
        return Output::text([&greeting, " ", &name, ", your roots: ", &uris].concat()).into();
    }
    let questions = vec![
        form("user_name", "What is your name?", "name", "string"),
        question("greeting", "Generate a greeting", 50),
        Question::roots("client_roots"),
    ];
    Outcome::ask_with_state(questions, STATE)
}

/// The state carries what the first round learned into the second.
fn multi_round(ctx: &Context) -> Outcome {
    let name = ctx.state.as_deref().and_then(|state| state.strip_prefix(b"name ")).map(String::from_utf8_lossy);
    if let (Some(name), Some(color)) = (&name, filled(ctx, "step2", "color")) {
        return Output::text([name.as_ref(), " likes ", &color, "."].concat()).into();
    }
    let step2 = || vec![form("step2", "Step 2: What is your favorite color?", "color", "string")];
    match (name, filled(ctx, "step1", "name")) {
        (Some(name), _) => Outcome::ask_with_state(step2(), ["name ", &name].concat()),
        (None, Some(name)) => Outcome::ask_with_state(step2(), ["name ", &name].concat()),
        (None, None) => Outcome::ask_with_state(vec![form("step1", "Step 1: What is your name?", "name", "string")], STATE),
    }
}

fn capabilities(ctx: &Context) -> Outcome {
    let all = [
        form("user_name", "What is your name?", "name", "string"),
        question("greeting", "Generate a greeting", 50),
        Question::roots("client_roots"),
    ];
    let unanswered = |question: &Question| ctx.can(&question.method) && ctx.answer(&question.key).is_none();
    let questions: Vec<Question> = all.into_iter().filter(unanswered).collect();
    if questions.is_empty() { Output::text("The client answered all that it can.").into() } else { Outcome::ask(questions) }
}

#[cfg(test)]
mod tests {
    use portcullis_plugin::{Content, Context, Outcome};

    fn answered(state: &[u8], key: &str, content: &str) -> Context {
        let answer = ["{\"action\":\"accept\",\"content\":", content, "}"].concat();
        Context { state: Some(state.to_vec()), answers: vec![(key.to_owned(), answer)], ..Context::default() }
    }

    #[test]
    fn the_second_round_remembers_the_first_by_its_state_alone() {
        let Outcome::InputRequired(second) = super::multi_round(&answered(super::STATE, "step1", r#"{"name":"Alice"}"#)) else {
            return assert_eq!("complete", "input required");
        };
        let third = super::multi_round(&answered(&second.state.unwrap_or_default(), "step2", r#"{"color":"blue"}"#));
        assert!(matches!(third, Outcome::Complete(output) if output.content == [Content::Text("Alice likes blue.".to_owned())]));
    }

    #[test]
    fn an_answer_without_the_state_is_asked_for_again() {
        let outcome = super::request_state(&answered(b"something else", "confirm", r#"{"ok":true}"#));
        assert!(matches!(outcome, Outcome::InputRequired(_)));
    }

    #[test]
    fn an_answer_that_is_no_form_is_asked_for_again() {
        let ctx = Context { answers: vec![("user_name".to_owned(), "12345".to_owned())], ..Context::default() };
        assert!(matches!(super::elicitation(&ctx), Outcome::InputRequired(_)));
    }

    #[test]
    fn only_what_the_client_can_answer_is_asked() {
        let ctx = Context { can_ask: vec!["sampling/createMessage".to_owned()], ..Context::default() };
        let outcome = super::capabilities(&ctx);
        assert!(
            matches!(outcome, Outcome::InputRequired(asked) if asked.questions.iter().all(|one| one.method == "sampling/createMessage"))
        );
    }
}
