//! The plugin as the host sees it: the SDK's nouns on one side, the catalogue on the other. No tool logic. Tools are here, the optional
//! exports in `offers`.

mod offers;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use portcullis_plugin::{Failure, Outcome, Output, Plugin, Question, Tool, config, kubernetes, log, notifications, progress};

use crate::answer;
use crate::call::{Call, Context};
use crate::catalogue::{self, Entry};
use crate::json::written;
use crate::offering;
use crate::parameter::input_schema;
use crate::port;
use crate::profile::Profile;
use crate::settings::Settings;

/// The CloudNativePG tools.
#[derive(Debug)]
pub struct Cnpg;

portcullis_plugin::manifest!(include_str!("../plugin.yaml"));
portcullis_plugin::export!(Cnpg with prompts, resources, subscriptions, completions);

impl Plugin for Cnpg {
    fn tools() -> Vec<Tool> {
        // Settings that do not read are told at each call; until then nothing is handed out that the operator may not have meant to.
        let profile = config::read().map_or(Profile::Reader, |settings: Settings| settings.profile);
        let served = offering::served(&kubernetes::Host);
        offering::listed(profile, served.as_ref(), portcullis_plugin::withhold).into_iter().map(describe).collect()
    }

    fn call(ctx: &portcullis_plugin::Context, name: &str, arguments: &str) -> Result<Outcome, Failure> {
        let entry = catalogue::find(name).ok_or_else(|| Failure::unknown_tool(name))?;
        let settings: Settings = config::read()?;
        if !settings.profile.includes(entry) {
            return Err(Failure::unknown_tool(name));
        }
        let outcome = with_call(ctx, settings, |call| {
            entry.call(call, arguments).unwrap_or_else(|problem| answer::Outcome::Done(problem.into())).fitted()
        })?;
        Ok(outward(outcome))
    }
}

/// Runs `work` with what a call may use.
fn with_call<T>(ctx: &portcullis_plugin::Context, settings: Settings, work: impl FnOnce(&Call<'_>) -> T) -> Result<T, Failure> {
    let host = Host { began: Instant::now() };
    let context = context(ctx)?;
    Ok(work(&Call { api: &kubernetes::Host, host: &host, context: &context, settings: &settings }))
}

fn describe(entry: &Entry) -> Tool {
    let tool = Tool::new(entry.name, entry.description)
        .title(entry.title)
        .input(input_schema(&entry.takes()))
        .output(entry.shape.schema());
    let tool = if entry.hints.read_only { tool.read_only() } else { tool.writes(entry.hints.destructive) };
    tool.idempotent(entry.hints.idempotent).open_world(false)
}

fn context(ctx: &portcullis_plugin::Context) -> Result<Context, Failure> {
    let read = |json: &str| portcullis_plugin::arguments(json);
    let answers: Result<Vec<_>, Failure> = ctx.answers.iter().map(|(key, json)| Ok((key.clone(), read(json)?))).collect();
    let state = ctx.state.as_deref().and_then(|bytes| serde_json::from_slice(bytes).ok());
    Ok(Context { deadline_ms: ctx.deadline_ms, can_ask: ctx.can_ask.clone(), answers: answers?, state })
}

fn outward(outcome: answer::Outcome) -> Outcome {
    match outcome {
        answer::Outcome::Done(answer) => {
            let output = if answer.is_error { Output::error(answer.text) } else { Output::text(answer.text) };
            output.structured(written(&answer.structured)).into()
        }
        answer::Outcome::Ask(question) => {
            let asked = Question::new(question.key, "elicitation/create", question.params);
            Outcome::ask_with_state(vec![asked], question.state.to_string().into_bytes())
        }
    }
}

/// The host's clocks, log and progress.
struct Host {
    began: Instant,
}

impl port::Host for Host {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |span| i64::try_from(span.as_secs()).unwrap_or(i64::MAX))
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn pause(&self, milliseconds: u64) {
        std::thread::sleep(Duration::from_millis(milliseconds));
    }

    fn progress(&self, step: u32, message: &str) {
        progress::report(f64::from(step), None, Some(message));
    }

    fn log(&self, message: &str) {
        log::info(message);
    }

    fn tools_changed(&self) {
        notifications::list_changed("tools");
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        getrandom::fill(bytes).is_ok()
    }
}
