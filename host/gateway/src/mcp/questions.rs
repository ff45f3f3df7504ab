//! Questions that only the user or the client can answer. On 2026-07-28 they travel in the result; on older wires they are requests to the
//! client on the call's own stream. Nobody is asked for what it did not declare.
#![expect(deprecated, reason = "sampling and roots are deprecated in MCP, and still declared by clients")]

use std::time::Duration;

use portcullis_core::call::{CallError, Question};
use rmcp::model::{
    ClientCapabilities, ElicitRequestParams, ElicitationCapability, InputRequest, InputRequests, InputResponses,
    RootsCapabilities, SamplingCapability, ServerRequest, UrlElicitationCapability,
};
use rmcp::service::PeerRequestOptions;
use rmcp::{Peer, RoleServer};
use serde_json::{Value, json};

use crate::respond::Trouble;

/// How long a person may take to answer on an older wire; as long as sealed state lives on the new one.
const ANSWER_TIME: Duration = Duration::from_secs(600);

/// Question methods that a client can answer, by what it declared.
pub(super) fn can_ask(client: &ClientCapabilities) -> Vec<String> {
    let asked = [
        ("elicitation/create", client.elicitation.as_ref().is_some_and(takes_forms)),
        ("sampling/createMessage", client.sampling.is_some()),
        ("roots/list", client.roots.is_some()),
    ];
    asked.into_iter().filter(|(_, able)| *able).map(|(method, _)| method.to_owned()).collect()
}

/// An empty declaration means forms (MCP 2025-11-25, client/elicitation, Capabilities).
fn takes_forms(elicitation: &ElicitationCapability) -> bool {
    elicitation.form.is_some() || elicitation.url.is_none()
}

/// Questions in MCP's form, each one that this client can answer.
///
/// # Errors
/// [`Trouble::Call`] if a question is none of MCP's: the plugin's fault. [`Trouble::Capability`] if the client lacks what it takes.
pub(super) fn prepare(
    questions: &[Question],
    client: &ClientCapabilities,
    plugin: &str,
    request_id: &str,
) -> Result<InputRequests, Trouble> {
    let mut prepared = InputRequests::new();
    for question in questions {
        let broken = |reason| CallError::Contract { plugin: plugin.to_owned(), reason, request_id: request_id.to_owned() };
        let params: Value = serde_json::from_str(&question.params)
            .map_err(|_| broken(format!("the params of its question `{}` are not JSON", question.key)))?;
        let request: InputRequest = serde_json::from_value(json!({"method": question.method, "params": params}))
            .map_err(|_| broken(format!("its question `{}` is no {} request of MCP", question.key, question.method)))?;
        if let Some(missing) = missing(&request, client) {
            return Err(Trouble::Capability(Box::new(missing)));
        }
        if prepared.insert(question.key.clone(), request).is_some() {
            return Err(broken(format!("it asked two questions with the key `{}`", question.key)).into());
        }
    }
    Ok(prepared)
}

fn missing(request: &InputRequest, client: &ClientCapabilities) -> Option<ClientCapabilities> {
    let mut required = ClientCapabilities::default();
    match request {
        InputRequest::CreateMessage(request) => {
            let tools = request.params.tools.is_some() || request.params.tool_choice.is_some();
            let able = client.sampling.as_ref().is_some_and(|sampling| !tools || sampling.tools.is_some());
            let mut sampling = SamplingCapability::default();
            sampling.tools = tools.then(serde_json::Map::new);
            required.sampling = (!able).then_some(sampling);
        }
        InputRequest::Elicitation(request) => {
            let url = matches!(request.params, ElicitRequestParams::UrlElicitationParams { .. });
            let declared = client.elicitation.as_ref();
            let able = declared.is_some_and(|it| if url { it.url.is_some() } else { takes_forms(it) });
            let needed = ElicitationCapability::default();
            let needed = if url { needed.with_url(UrlElicitationCapability::default()) } else { needed };
            required.elicitation = (!able).then_some(needed);
        }
        InputRequest::ListRoots(_) => required.roots = client.roots.is_none().then(RootsCapabilities::default),
        _ => {}
    }
    (required != ClientCapabilities::default()).then_some(required)
}

/// Asks over an older wire, one question after the other, as a person would read them.
///
/// # Errors
/// [`Trouble::NoAnswer`] if the client refuses to answer or takes too long. A user who says no is an answer.
pub(super) async fn ask(peer: Option<&Peer<RoleServer>>, questions: InputRequests) -> Result<Vec<(String, String)>, Trouble> {
    let mut answers = Vec::with_capacity(questions.len());
    for (key, question) in questions {
        let request = match question {
            InputRequest::CreateMessage(request) => ServerRequest::CreateMessageRequest(request),
            InputRequest::Elicitation(request) => ServerRequest::ElicitRequest(request),
            InputRequest::ListRoots(request) => ServerRequest::ListRootsRequest(request),
            _ => continue,
        };
        let unanswered = |reason: String| Trouble::NoAnswer { key: key.clone(), reason };
        let peer = peer.ok_or_else(|| unanswered("there is no way to ask this client".to_owned()))?;
        let options = PeerRequestOptions::with_timeout(ANSWER_TIME);
        let handle = peer.send_request_with_option(request, options).await.map_err(|error| unanswered(error.to_string()))?;
        let answer = handle.await_response().await.map_err(|error| unanswered(error.to_string()))?;
        let answer = serde_json::to_string(&answer).map_err(|error| unanswered(error.to_string()))?;
        answers.push((key, answer));
    }
    Ok(answers)
}

/// Answers that came with a retried request. Keys that nobody asked for are the guest's to ignore (T-12).
///
/// # Errors
/// [`Trouble::Params`] if one is no object: every result of MCP is.
pub(super) fn answers(responses: Option<InputResponses>) -> Result<Vec<(String, String)>, Trouble> {
    let checked = responses.unwrap_or_default().into_iter().map(|(key, answer)| {
        if answer.is_object() {
            Ok((key, answer.to_string()))
        } else {
            Err(Trouble::Params(format!("inputResponses.{key} is not an object")))
        }
    });
    checked.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

    use super::{can_ask, prepare};
    use crate::respond::Trouble;
    use portcullis_core::call::{CallError, Question};
    use rmcp::model::ClientCapabilities;
    use serde_json::json;

    fn client(capabilities: serde_json::Value) -> ClientCapabilities {
        serde_json::from_value(capabilities).unwrap()
    }

    fn question(method: &str, params: &str) -> Question {
        Question { key: "k".into(), method: method.into(), params: params.into() }
    }

    const FORM: &str = r#"{"message":"Sure?","requestedSchema":{"type":"object","properties":{}}}"#;
    const URL: &str = r#"{"mode":"url","message":"Go","url":"https://example.com","elicitationId":"1"}"#;

    #[test]
    fn a_client_is_asked_only_what_it_declared() {
        assert_eq!(can_ask(&client(json!({}))), Vec::<String>::new());
        assert_eq!(can_ask(&client(json!({"elicitation": {}, "roots": {}}))), ["elicitation/create", "roots/list"]);
        assert_eq!(can_ask(&client(json!({"elicitation": {"url": {}}, "sampling": {}}))), ["sampling/createMessage"]);
        for (declared, asked) in [
            (json!({}), question("elicitation/create", FORM)),
            (json!({"elicitation": {}}), question("elicitation/create", URL)),
            (json!({"elicitation": {"url": {}}}), question("elicitation/create", FORM)),
            (json!({"elicitation": {}}), question("roots/list", "{}")),
        ] {
            let refused = prepare(std::slice::from_ref(&asked), &client(declared.clone()), "p", "r");
            assert!(matches!(refused, Err(Trouble::Capability(_))), "{declared} {asked:?}");
        }
        assert!(prepare(&[question("elicitation/create", FORM)], &client(json!({"elicitation": {}})), "p", "r").is_ok());
        assert!(prepare(&[question("elicitation/create", URL)], &client(json!({"elicitation": {"url": {}}})), "p", "r").is_ok());
    }

    #[test]
    fn a_question_that_mcp_does_not_know_is_the_plugins_fault() {
        let able = client(json!({"elicitation": {}}));
        for asked in [question("elicitation/create", "{"), question("tools/call", "{}"), question("elicitation/create", "{}")] {
            let Err(Trouble::Call(CallError::Contract { .. })) = prepare(std::slice::from_ref(&asked), &able, "p", "r") else {
                panic!("{asked:?} passed");
            };
        }
        let twice = [question("elicitation/create", FORM), question("elicitation/create", FORM)];
        assert!(matches!(prepare(&twice, &able, "p", "r"), Err(Trouble::Call(_))));
    }
}
