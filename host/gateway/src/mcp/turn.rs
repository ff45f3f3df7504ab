//! What `tools/call`, `prompts/get` and `resources/read` have in common: policy, audit, the guest, and its questions.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use portcullis_core::audit::AuditOutcome;
use portcullis_core::call::{CallContext, CallError, InputRequired, Outcome};
use portcullis_core::policy::{Action, Permit};
use portcullis_core::ports::{BoxFuture, ClientSink, Plugin};
use rmcp::model::{InputRequiredResult, InputResponses};
use serde_json::Value;

use super::asked::Asked;
use super::digest;
use super::questions;
use super::record::CallRecord;
use super::sealed::{Binding, STATE_MAX};
use super::sink::relay;
use crate::entry::Entry;
use crate::gateway::Shared;
use crate::respond::Trouble;

/// The gateway's own limit on one call: the longest that a plugin may be given. The plugin's limit is the one that counts.
const CALL_TIME: Duration = Duration::from_secs(3600);

/// How often a guest may ask within one call on an older wire, where the host calls it again by itself.
const ROUNDS: usize = 8;

/// What a client sends with the second and later rounds on 2026-07-28.
pub(super) struct Retry {
    pub(super) responses: Option<InputResponses>,
    pub(super) state: Option<String>,
}

/// A result, or questions that travel in its place.
pub(super) enum Reply<T> {
    Complete(T),
    Ask(InputRequiredResult),
}

/// Answers so far, and the guest's own state.
#[derive(Default)]
struct Round {
    answers: Vec<(String, String)>,
    state: Option<Vec<u8>>,
}

/// One request on its way through policy to a guest.
pub(super) struct Turn<'a> {
    shared: &'a Shared,
    pub(super) asked: &'a Asked,
    action: Action,
    target: &'a str,
    /// What sealed state is bound to, by its digest.
    arguments: &'a Value,
    pub(super) record: CallRecord,
}

impl<'a> Turn<'a> {
    /// Opens the audit record.
    ///
    /// # Errors
    /// [`Trouble::Unrecorded`].
    pub(super) fn new(
        shared: &'a Shared,
        asked: &'a Asked,
        action: Action,
        target: &'a str,
        arguments: &'a Value,
    ) -> Result<Self, Trouble> {
        let record = CallRecord::open(&shared.audit, asked.entry.principal(), action.word(), target)?;
        Ok(Self { shared, asked, action, target, arguments, record })
    }

    /// Asks policy. `None`: the caller must answer as if the target did not exist.
    pub(super) fn permit(&mut self) -> Option<Permit> {
        match self.asked.entry.snapshot.policy.decide(self.asked.entry.principal(), self.action, self.target) {
            Ok(permit) => {
                self.record.permitted(&permit);
                Some(permit)
            }
            Err(denial) => {
                let (principal, target, policy) = (&denial.principal, &denial.target, &denial.policy);
                // The target is the caller's own words: quoted, so that no line of the log can be made up.
                tracing::info!(request_id = self.record.request_id(), principal, ?target, policy, "denied");
                self.record.denied(&denial);
                None
            }
        }
    }

    /// Runs the guest until it is done or somebody must be asked over the new wire. Ends with the client's interest.
    pub(super) async fn run<'g, T>(
        &mut self,
        plugin: &'g Arc<dyn Plugin>,
        permit: Permit,
        retry: Retry,
        guest: impl Fn(Permit, CallContext) -> BoxFuture<'g, Result<Outcome<T>, CallError>>,
    ) -> Result<Reply<T>, Trouble> {
        self.record.found(plugin.descriptor());
        let reply = tokio::select! {
            biased;
            () = self.asked.gone.cancelled() => Err(Trouble::Cancelled),
            reply = self.rounds(plugin, permit, retry, guest) => reply,
        };
        self.record.outcome(match &reply {
            Ok(Reply::Complete(_)) => AuditOutcome::Completed,
            Ok(Reply::Ask(_)) => AuditOutcome::InputRequired,
            Err(Trouble::Cancelled) => AuditOutcome::Cancelled,
            Err(_) => AuditOutcome::Failed,
        });
        reply
    }

    async fn rounds<'g, T>(
        &self,
        plugin: &'g Arc<dyn Plugin>,
        permit: Permit,
        retry: Retry,
        guest: impl Fn(Permit, CallContext) -> BoxFuture<'g, Result<Outcome<T>, CallError>>,
    ) -> Result<Reply<T>, Trouble> {
        let mut round = self.resume(plugin, retry)?;
        let mut permit = Some(permit);
        for _ in 0..ROUNDS {
            let permit = permit.take().or_else(|| self.permit_again()).ok_or(Trouble::Cancelled)?;
            let guest = |sink| guest(permit, self.call_context(&round, sink));
            match relay(self.asked.peer.as_ref(), &self.asked.wishes, guest).await? {
                Outcome::Complete(result) => return Ok(Reply::Complete(result)),
                Outcome::InputRequired(required) if self.asked.modern => {
                    return self.hand_over(plugin, required).map(Reply::Ask);
                }
                Outcome::InputRequired(required) => round = self.ask(plugin, required).await?,
            }
        }
        Err(Trouble::Rounds { plugin: plugin.descriptor().manifest.name.clone(), rounds: ROUNDS })
    }

    /// The same snapshot decides alike; a permit serves one call.
    fn permit_again(&self) -> Option<Permit> {
        self.asked.entry.snapshot.policy.decide(self.asked.entry.principal(), self.action, self.target).ok()
    }

    fn resume(&self, plugin: &Arc<dyn Plugin>, retry: Retry) -> Result<Round, Trouble> {
        let answers = questions::answers(retry.responses)?;
        // MCP lets a client answer beforehand. Such answers are bound to nothing, which the guest sees from the state that is not there.
        let Some(text) = retry.state else { return Ok(Round { answers, state: None }) };
        let opened = self.shared.sealer.open(&self.binding(plugin), &text, SystemTime::now());
        let state = opened.map_err(|_| Trouble::State)?;
        Ok(Round { answers, state })
    }

    /// Over the new wire: the questions are the result, and the client comes back.
    fn hand_over(&self, plugin: &Arc<dyn Plugin>, required: InputRequired) -> Result<InputRequiredResult, Trouble> {
        let questions = self.prepare(plugin, &required)?;
        let sealed = self.shared.sealer.seal(&self.binding(plugin), required.state.as_deref(), SystemTime::now());
        let state = sealed.map_err(|_| CallError::Host { request_id: self.record.request_id().to_owned() })?;
        Ok(InputRequiredResult::new((!questions.is_empty()).then_some(questions), Some(state)))
    }

    /// Over an older wire: the client is asked now.
    async fn ask(&self, plugin: &Arc<dyn Plugin>, required: InputRequired) -> Result<Round, Trouble> {
        let questions = self.prepare(plugin, &required)?;
        let answers = questions::ask(self.asked.peer.as_ref(), questions).await?;
        Ok(Round { answers, state: required.state })
    }

    fn prepare(&self, plugin: &Arc<dyn Plugin>, required: &InputRequired) -> Result<rmcp::model::InputRequests, Trouble> {
        let (name, request_id) = (&plugin.descriptor().manifest.name, self.record.request_id());
        if required.state.as_ref().is_some_and(|state| state.len() > STATE_MAX) {
            let reason = format!("its state is over {STATE_MAX} bytes");
            return Err(CallError::Contract { plugin: name.clone(), reason, request_id: request_id.to_owned() }.into());
        }
        questions::prepare(&required.questions, &self.asked.client, name, request_id)
    }

    fn binding(&self, plugin: &Arc<dyn Plugin>) -> Binding<'_> {
        Binding {
            principal: self.asked.entry.principal(),
            plugin: plugin.descriptor().digest,
            action: self.action.word(),
            target: self.target,
            arguments: digest::of_json(self.arguments),
        }
    }

    fn call_context(&self, round: &Round, sink: Arc<dyn ClientSink>) -> CallContext {
        CallContext {
            request_id: self.record.request_id().to_owned(),
            principal: Arc::clone(self.asked.entry.principal()),
            deadline: CALL_TIME,
            can_ask: questions::can_ask(&self.asked.client),
            answers: round.answers.clone(),
            state: round.state.clone(),
            client: sink,
        }
    }
}

/// A context for what nobody can be asked about: lists, completions, watches.
pub(super) fn quiet_context(entry: &Entry, deadline: Duration) -> CallContext {
    struct Nobody;
    impl ClientSink for Nobody {
        fn progress(&self, _progress: f64, _total: Option<f64>, _message: Option<String>) {}
        fn message(&self, _level: &str, _logger: Option<&str>, _data: &str) {}
    }
    CallContext {
        request_id: format!("{:016x}", rand::random::<u64>()),
        principal: Arc::clone(entry.principal()),
        deadline,
        can_ask: Vec::new(),
        answers: Vec::new(),
        state: None,
        client: Arc::new(Nobody),
    }
}
