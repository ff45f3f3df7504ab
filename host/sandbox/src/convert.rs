//! Between WIT types and core's nouns: what a call carries in, and what it brings out. Weighs results against the output cap and refuses what
//! the contract in `wit/` forbids. No Wasmtime calls here.

use std::collections::BTreeSet;
use std::time::Duration;

use portcullis_core::call::{CallContext, Failure, FailureCode, InputRequired, Outcome, Question};
use portcullis_core::content::ToolOutput;
use serde::de::IgnoredAny;

use crate::bindings::{tools, types};

pub(crate) mod content;
pub(crate) mod offer;
pub(crate) mod page;
pub(crate) mod strategy;

/// Most bytes of state that a guest may hand out with its questions (WIT `input-required`).
const STATE_MAX: usize = 16 << 10;

/// Why a result was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    /// Larger than the output cap.
    Output,
    /// Against the contract, in words.
    Contract(String),
}

/// Weighs a result as it is converted.
#[derive(Debug)]
pub(crate) struct Scale {
    left: u64,
}

impl Scale {
    /// Up to `bytes`.
    pub(crate) fn new(bytes: u64) -> Self {
        Self { left: bytes }
    }

    /// Takes `bytes` off the allowance.
    pub(crate) fn weigh(&mut self, bytes: usize) -> Result<(), Breach> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(bytes).ok_or(Breach::Output)?;
        Ok(())
    }

    /// Weighs a text and hands it on.
    pub(crate) fn text(&mut self, text: String) -> Result<String, Breach> {
        self.weigh(text.len())?;
        Ok(text)
    }

    /// Weighs a text, if any, and hands it on.
    pub(crate) fn maybe(&mut self, text: Option<String>) -> Result<Option<String>, Breach> {
        text.map(|text| self.text(text)).transpose()
    }
}

/// What the guest is told of the call.
pub(crate) fn context(context: CallContext, deadline: Duration) -> types::Context {
    let caller = (!context.principal.is_local()).then(|| types::Caller {
        subject: context.principal.subject.clone(),
        issuer: context.principal.issuer.clone(),
        name: context.principal.name.clone(),
        groups: context.principal.groups.clone(),
        project: context.principal.project.clone(),
    });
    types::Context {
        request_id: context.request_id,
        caller,
        deadline_ms: u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX),
        can_ask: context.can_ask,
        answers: context.answers,
        state: context.state,
    }
}

/// What `call` returned.
pub(crate) fn outcome(outcome: tools::Outcome, scale: &mut Scale) -> Result<Outcome<ToolOutput>, Breach> {
    Ok(match outcome {
        tools::Outcome::Complete(output) => Outcome::Complete(tool_output(output, scale)?),
        tools::Outcome::InputRequired(input) => Outcome::InputRequired(input_required(input, scale)?),
    })
}

fn tool_output(output: types::Output, scale: &mut Scale) -> Result<ToolOutput, Breach> {
    if let Some(structured) = &output.structured {
        scale.weigh(structured.len())?;
        object("output.structured", structured)?;
    }
    let content = output.content.into_iter().map(|block| content::block(block, scale)).collect::<Result<_, _>>()?;
    Ok(ToolOutput { content, structured: output.structured, is_error: output.is_error })
}

/// Questions. Whether the client can answer a method is the gateway's to decide: it knows what to tell a client that cannot.
pub(crate) fn input_required(input: types::InputRequired, scale: &mut Scale) -> Result<InputRequired, Breach> {
    let state = input.state;
    if state.as_ref().is_some_and(|state| state.len() > STATE_MAX) {
        return Err(Breach::Contract(format!("input-required.state is longer than {STATE_MAX} bytes")));
    }
    if input.questions.is_empty() && state.is_none() {
        return Err(Breach::Contract("input-required has neither a question nor a state".into()));
    }
    let mut keys = BTreeSet::new();
    let questions = input.questions.into_iter().map(|one| question(one, &mut keys, scale)).collect::<Result<_, _>>()?;
    Ok(InputRequired { questions, state })
}

fn question(question: types::Question, keys: &mut BTreeSet<String>, scale: &mut Scale) -> Result<Question, Breach> {
    scale.weigh(question.key.len() + question.method.len() + question.params.len())?;
    object("question.params", &question.params)?;
    if !keys.insert(question.key.clone()) {
        return Err(Breach::Contract("two questions have the same key".into()));
    }
    Ok(Question { key: question.key, method: question.method, params: question.params })
}

/// A failure in the guest's words.
pub(crate) fn failure(failure: types::Failure, scale: &mut Scale) -> Result<Failure, Breach> {
    Ok(Failure {
        code: FailureCode::parse(&failure.code),
        message: scale.text(failure.message)?,
        retry_after: failure.retry_after_ms.map(|millis| Duration::from_millis(millis.into())),
    })
}

/// Refuses what is not the JSON text of an object; the text itself is passed on as it is.
fn object(what: &str, text: &str) -> Result<(), Breach> {
    let is_object = text.trim_ascii_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok();
    if is_object { Ok(()) } else { Err(Breach::Contract(format!("{what} is not a JSON object"))) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::{Breach, Scale, input_required, outcome};
    use crate::bindings::{tools, types};

    fn complete(text: &str, structured: Option<&str>) -> tools::Outcome {
        tools::Outcome::Complete(types::Output {
            content: vec![types::Content::Text(text.into())],
            structured: structured.map(str::to_owned),
            is_error: false,
        })
    }

    #[test]
    fn a_result_is_weighed_whole() {
        assert!(outcome(complete("12345", Some("{}")), &mut Scale::new(7)).is_ok());
        assert_eq!(outcome(complete("123456", Some("{}")), &mut Scale::new(7)), Err(Breach::Output));
    }

    #[test]
    fn structured_output_that_is_no_json_object_is_refused() {
        for garbage in ["{", "[]", "nonsense", "{} {}"] {
            assert!(matches!(outcome(complete("", Some(garbage)), &mut Scale::new(99)), Err(Breach::Contract(_))), "{garbage}");
        }
    }

    #[test]
    fn questions_have_their_own_keys_and_a_small_state() {
        let question = || types::Question { key: "k".into(), method: "elicitation/create".into(), params: "{}".into() };
        let ask = |questions, state| input_required(types::InputRequired { questions, state }, &mut Scale::new(1 << 20));
        assert_eq!(ask(vec![question()], Some(vec![1])).unwrap().questions.len(), 1);
        assert!(ask(vec![question(), question()], None).is_err());
        assert!(ask(vec![question()], Some(vec![0; super::STATE_MAX + 1])).is_err());
        assert!(ask(vec![], None).is_err());
    }
}
