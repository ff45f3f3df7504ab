//! `portcullis plugin call FILE TOOL JSON`: one call of one tool, as its author tries it out.
//!
//! Exit codes: 0 a result; 1 an error, or a result that says it is one; 3 a question that no `--answer` answers.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use portcullis_core::call::{CallContext, InputRequired, Outcome as CallOutcome};
use portcullis_core::content::{Content, ToolOutput};
use portcullis_core::plugin::Digest;
use portcullis_core::policy::{Action, Policy};
use portcullis_core::ports::{ClientSink, Loaded, Plugin};
use portcullis_core::principal::Principal;
use serde_json::{Value, json};

use super::super::Outcome;
use super::source::{Component, Loading};
use crate::output;

/// How often a tool may ask in one call: as often as the gateway lets it.
const ROUNDS: usize = 8;

/// A question was left open.
const OPEN_QUESTION: u8 = 3;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The component.
    file: PathBuf,
    /// The tool's name.
    tool: String,
    /// Its arguments, as a JSON object.
    #[arg(value_name = "JSON", default_value = "{}")]
    arguments: String,
    /// The answer to a question, by the question's key: `--answer confirm='{"action":"accept","content":{"confirm":true}}'`.
    #[arg(long = "answer", value_name = "KEY=JSON", value_parser = answer)]
    answers: Vec<(String, String)>,
    /// Print the structured result, if there is one, instead of the text.
    #[arg(long)]
    structured: bool,
    #[command(flatten)]
    loading: Loading,
}

fn answer(text: &str) -> Result<(String, String), String> {
    let (key, json) = text.split_once('=').ok_or("has no `=`")?;
    serde_json::from_str::<Value>(json).map_err(|error| format!("is not JSON after the `=`: {error}"))?;
    Ok((key.to_owned(), json.to_owned()))
}

/// Progress and messages go to standard error.
struct Terminal;

impl ClientSink for Terminal {
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<String>) {
        let total = total.map(|total| format!("/{total}")).unwrap_or_default();
        eprintln!("progress: {progress}{total} {}", message.unwrap_or_default());
    }

    fn message(&self, level: &str, logger: Option<&str>, data: &str) {
        eprintln!("{level}: {}{data}", logger.map(|logger| format!("{logger}: ")).unwrap_or_default());
    }
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let component = Component::read(&arguments.file)?;
    super::super::runtime()?.block_on(async {
        match component.load(&arguments.loading).await? {
            Ok(Loaded::Tool(plugin)) => call(plugin.as_ref(), arguments).await,
            Ok(Loaded::Authenticator(_)) => bail!("{} is an auth strategy, and has no tools", arguments.file.display()),
            Err(findings) => {
                findings.iter().for_each(|finding| eprintln!("{finding}"));
                Ok(ExitCode::FAILURE)
            }
        }
    })
}

async fn call(plugin: &dyn Plugin, arguments: Arguments) -> Outcome {
    check(plugin, &arguments)?;
    let principal = Arc::new(Principal::local());
    let policy = Policy::default();
    let mut context = CallContext {
        request_id: format!(
            "cli-{}",
            Digest::of(arguments.arguments.as_bytes()).to_string().chars().skip(7).take(8).collect::<String>()
        ),
        principal: Arc::clone(&principal),
        deadline: std::time::Duration::MAX,
        can_ask: if arguments.answers.is_empty() { Vec::new() } else { vec!["elicitation/create".to_owned()] },
        answers: Vec::new(),
        state: None,
        client: Arc::new(Terminal),
    };
    for _ in 0..ROUNDS {
        let permit = policy.decide(&principal, Action::CallTool, &arguments.tool)?;
        match plugin.call_tool(permit, context.clone(), arguments.arguments.clone()).await? {
            CallOutcome::Complete(result) => return show(&result, arguments.structured),
            CallOutcome::InputRequired(asked) => match answers(&asked, &arguments.answers) {
                Some(answers) => (context.answers, context.state) = (answers, asked.state),
                None => return Ok(ExitCode::from(OPEN_QUESTION)),
            },
        }
    }
    bail!("the tool asked more than {ROUNDS} times")
}

/// The tool exists, and the arguments fit its schema: what the gateway would have checked.
fn check(plugin: &dyn Plugin, arguments: &Arguments) -> anyhow::Result<()> {
    let tools = &plugin.descriptor().tools;
    if let (None, Some(reason)) =
        (tools.iter().find(|tool| tool.name == arguments.tool), plugin.descriptor().withheld.get(&arguments.tool))
    {
        bail!("`{}` is not offered here: {reason}", arguments.tool);
    }
    let tool = tools.iter().find(|tool| tool.name == arguments.tool).with_context(|| {
        let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
        format!("there is no tool `{}`; there are: {}", arguments.tool, names.join(", "))
    })?;
    let value: Value = serde_json::from_str(&arguments.arguments).context("the arguments are not JSON")?;
    tool.input_schema
        .validate(&value)
        .map_err(|problems| anyhow::anyhow!("the arguments do not fit the tool's schema:\n{problems}"))
}

/// Answers for every question, or `None` once the open ones were said.
fn answers(asked: &InputRequired, given: &[(String, String)]) -> Option<Vec<(String, String)>> {
    let found = |key: &str| given.iter().find(|(name, _)| name == key).cloned();
    let open: Vec<_> = asked.questions.iter().filter(|question| found(&question.key).is_none()).collect();
    for question in &open {
        eprintln!("the tool asks `{}` ({}): {}", question.key, question.method, question.params);
        eprintln!("    answer it with: --answer {}='{{\"action\": \"accept\", \"content\": {{…}}}}'", question.key);
    }
    open.is_empty().then(|| asked.questions.iter().filter_map(|question| found(&question.key)).collect())
}

fn show(result: &ToolOutput, structured: bool) -> Outcome {
    let text = match &result.structured {
        Some(json) if structured => format!("{json}\n"),
        Some(json) if result.content.is_empty() => format!("{json}\n"),
        _ => result.content.iter().map(block).collect(),
    };
    output::write(&text)?;
    Ok(if result.is_error { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn block(content: &Content) -> String {
    match content {
        Content::Text(text) => format!("{}\n", text.trim_end()),
        Content::Image(blob) | Content::Audio(blob) => {
            format!("{}\n", json!({"mimeType": blob.mime_type, "bytes": blob.data.len()}))
        }
        Content::ResourceLink(link) => format!("{}\n", link.uri),
        Content::EmbeddedResource(resource) => format!("{}\n", resource.uri),
    }
}
