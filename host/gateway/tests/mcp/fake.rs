//! A plugin written by hand: each tool does one thing that a test needs. No Wasm, no Kubernetes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portcullis_core::call::{CallContext, CallError, Failure, FailureCode, InputRequired, Outcome, Question};
use portcullis_core::completion::{Completion, CompletionRequest, CompletionTarget};
use portcullis_core::content::{Blob, Content, ResourceBody, ResourceContents, ResourceLink, ToolOutput};
use portcullis_core::finding::Finding;
use portcullis_core::grant::Grants;
use portcullis_core::manifest::Manifest;
use portcullis_core::notice::Notice;
use portcullis_core::plugin::{Descriptor, Digest, Exports};
use portcullis_core::policy::Permit;
use portcullis_core::ports::{BoxFuture, NoticeSink as _, Plugin};
use portcullis_core::prompt::{Expansion, PromptArgument, PromptMessage, PromptSpec};
use portcullis_core::resource::{ResourcePage, ResourceTemplate};
use portcullis_core::schema::Schema;
use portcullis_core::tool::{Annotations, ToolSpec};
use portcullis_gateway::Notices;

/// Counters that tests read after the fact.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) calls: AtomicUsize,
    pub(crate) waiting: AtomicUsize,
    pub(crate) dropped: AtomicUsize,
    pub(crate) watching: AtomicUsize,
    pub(crate) unwatched: AtomicUsize,
}

pub(crate) struct Fake {
    descriptor: Descriptor,
    grants: Grants,
    pub(crate) seen: Arc<Seen>,
    notices: Notices,
}

const OPEN: &str = r#"{"type":"object"}"#;

fn tool(name: &str, input: &str, output: Option<&str>) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        title: None,
        description: format!("the tool {name}"),
        input_schema: Schema::object(input).unwrap(),
        output_schema: output.map(|text| Schema::object(text).unwrap()),
        annotations: Annotations { read_only: Some(true), ..Annotations::default() },
        scopes: Vec::new(),
    }
}

fn tools() -> Vec<ToolSpec> {
    let number = r#"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}"#;
    let header = r#"{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}"#;
    let sum = r#"{"type":"object","properties":{"sum":{"type":"integer"}},"required":["sum"]}"#;
    let plain = [
        "ask",
        "ask_ever",
        "ask_sampling",
        "busy",
        "content",
        "deny",
        "fail",
        "is_error",
        "needs_sampling",
        "talk",
        "wait",
        "who",
    ];
    let mut tools: Vec<ToolSpec> = plain.into_iter().map(|name| tool(name, OPEN, None)).collect();
    tools.extend([
        tool("echo", number, None),
        tool("routed", header, None),
        tool("structured", OPEN, Some(sum)),
        tool("broken_promise", OPEN, Some(sum)),
    ]);
    tools
}

impl Fake {
    pub(crate) fn new(name: &str, notices: Notices) -> Self {
        Self::with(name, tools(), notices)
    }

    pub(crate) fn with(name: &str, tools: Vec<ToolSpec>, notices: Notices) -> Self {
        let yaml = format!("name: {name}\nversion: 1.2.3\ndescription: a fake\n");
        let full = tools.len() > 1;
        let argument = PromptArgument { name: "topic".into(), title: None, description: None, required: true };
        let prompt = PromptSpec { name: format!("{name}-prompt"), title: None, description: None, arguments: vec![argument] };
        let template = |rest: &str| ResourceTemplate {
            uri_template: format!("{name}://{{id}}/{rest}"),
            name: "data".into(),
            title: None,
            description: None,
            mime_type: None,
        };
        let templates = vec![template("data"), template("parts/{part}")];
        let descriptor = Descriptor {
            manifest: Manifest::parse(&yaml).unwrap(),
            digest: Digest::of(format!("{name}{}", tools.len()).as_bytes()),
            tools,
            withheld: [("resize", "the storage class cannot grow"), ("echo", "offered after all")]
                .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
                .into(),
            prompts: if full { vec![prompt] } else { vec![] },
            templates: if full { templates } else { vec![] },
            exports: Exports { prompts: full, resources: full, subscriptions: full, completions: full, routes: false },
        };
        Self { descriptor, grants: Grants::default(), seen: Arc::default(), notices }
    }

    pub(crate) fn one_tool(name: &str, tool_name: &str, notices: Notices) -> Self {
        Self::with(name, vec![tool(tool_name, OPEN, None)], notices)
    }

    pub(crate) fn with_kubernetes(mut self) -> Self {
        self.grants.kubernetes = Some(portcullis_core::kubegrant::KubernetesGrant::default());
        self
    }

    async fn call(&self, name: &str, context: CallContext, arguments: String) -> Result<Outcome<ToolOutput>, CallError> {
        self.seen.calls.fetch_add(1, Ordering::SeqCst);
        match name {
            "ask" => Ok(ask(&context, "elicitation/create", FORM)),
            "ask_ever" => {
                Ok(Outcome::InputRequired(InputRequired { questions: vec![question("elicitation/create", FORM)], state: None }))
            }
            "ask_sampling" => Ok(ask(&context, "sampling/createMessage", r#"{"messages":[],"maxTokens":1}"#)),
            "needs_sampling" => Err(failure(FailureCode::MissingCapability, "needs sampling/createMessage").into()),
            "busy" => Err(CallError::Overloaded { retry_after: Duration::from_secs(2) }),
            "deny" => Err(failure(FailureCode::Denied, "not you").into()),
            "fail" => {
                Err(CallError::Trap { plugin: "fake".into(), reason: "unreachable".into(), request_id: context.request_id })
            }
            "is_error" => {
                done(ToolOutput { content: vec![Content::Text("it did not work".into())], structured: None, is_error: true })
            }
            "content" => done(content()),
            "talk" => talk(&context).await,
            "wait" => self.wait().await,
            "who" => done(text(&format!("{} {:?}", context.principal, context.can_ask))),
            "structured" => done(ToolOutput { content: vec![], structured: Some(r#"{"sum":3}"#.into()), is_error: false }),
            "broken_promise" => {
                done(ToolOutput { content: vec![], structured: Some(r#"{"sum":"three"}"#.into()), is_error: false })
            }
            _ => done(text(&arguments)),
        }
    }

    /// Never returns; its drop is what a test looks for.
    async fn wait(&self) -> Result<Outcome<ToolOutput>, CallError> {
        let _gone = Gone(&self.seen.dropped);
        self.seen.waiting.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

pub(crate) const FORM: &str =
    r#"{"message":"Sure?","requestedSchema":{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}}"#;

fn question(method: &str, params: &str) -> Question {
    Question { key: "sure".into(), method: method.into(), params: params.into() }
}

/// Counts when it is dropped.
struct Gone<'a>(&'a AtomicUsize);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Asks until there is an answer, then says what it got.
fn ask(context: &CallContext, method: &str, params: &str) -> Outcome<ToolOutput> {
    match context.answers.iter().find(|(key, _)| key == "sure") {
        Some((_, answer)) => {
            let state = context.state.as_deref().map(String::from_utf8_lossy);
            Outcome::Complete(text(&format!("answer {answer} state {}", state.unwrap_or_default())))
        }
        None => {
            Outcome::InputRequired(InputRequired { questions: vec![question(method, params)], state: Some(b"step-1".to_vec()) })
        }
    }
}

async fn talk(context: &CallContext) -> Result<Outcome<ToolOutput>, CallError> {
    for (progress, note) in [(1.0, "one"), (1.0, "not grown"), (f64::NAN, "not a number"), (2.0, "two")] {
        context.client.progress(progress, Some(2.0), Some(note.into()));
    }
    context.client.message("debug", None, "\"chatter\"");
    context.client.message("error", Some("fake"), r#"{"bad":1}"#);
    done(text("said"))
}

fn content() -> ToolOutput {
    let blob = |mime: &str| Blob { data: vec![0, 255], mime_type: mime.into() };
    let embedded = ResourceContents { uri: "fake://1/data".into(), mime_type: None, body: ResourceBody::Blob(vec![1]) };
    let content = vec![
        Content::Text("t".into()),
        Content::Image(blob("image/png")),
        Content::Audio(blob("audio/wav")),
        Content::ResourceLink(link("fake://static")),
        Content::EmbeddedResource(embedded),
    ];
    ToolOutput { content, structured: None, is_error: false }
}

fn link(uri: &str) -> ResourceLink {
    ResourceLink {
        uri: uri.into(),
        name: "n".into(),
        title: None,
        description: None,
        mime_type: Some("text/plain".into()),
        size: Some(1),
    }
}

fn text(text: &str) -> ToolOutput {
    ToolOutput { content: vec![Content::Text(text.into())], structured: None, is_error: false }
}

fn done(output: ToolOutput) -> Result<Outcome<ToolOutput>, CallError> {
    Ok(Outcome::Complete(output))
}

fn failure(code: FailureCode, message: &str) -> Failure {
    Failure { code, message: message.into(), retry_after: None }
}

impl Plugin for Fake {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn grants(&self) -> &Grants {
        &self.grants
    }

    fn call_tool<'a>(
        &'a self,
        permit: Permit,
        context: CallContext,
        arguments: String,
    ) -> BoxFuture<'a, Result<Outcome<ToolOutput>, CallError>> {
        Box::pin(async move { self.call(permit.target(), context, arguments).await })
    }

    fn get_prompt<'a>(
        &'a self,
        _permit: Permit,
        _context: CallContext,
        arguments: Vec<(String, String)>,
    ) -> BoxFuture<'a, Result<Outcome<Expansion>, CallError>> {
        let topic = arguments.into_iter().map(|(_, value)| value).collect::<String>();
        let message = PromptMessage { role: "user".into(), content: Content::Text(format!("About {topic}")) };
        Box::pin(async move { Ok(Outcome::Complete(Expansion { description: None, messages: vec![message] })) })
    }

    fn list_resources<'a>(
        &'a self,
        _context: CallContext,
        cursor: Option<String>,
    ) -> BoxFuture<'a, Result<ResourcePage, CallError>> {
        let name = &self.descriptor.manifest.name;
        let page = match cursor.as_deref() {
            None => ResourcePage { resources: vec![link(&format!("{name}://static"))], next: Some("two".into()) },
            Some(_) => ResourcePage { resources: vec![link(&format!("{name}://second"))], next: None },
        };
        Box::pin(async move { Ok(page) })
    }

    fn read_resource<'a>(
        &'a self,
        permit: Permit,
        _context: CallContext,
    ) -> BoxFuture<'a, Result<Outcome<Vec<ResourceContents>>, CallError>> {
        let uri = permit.target().to_owned();
        let result = if uri.contains("gone") {
            Err(failure(FailureCode::UnknownResource, "gone").into())
        } else {
            let body = ResourceBody::Text(format!("body of {uri}"));
            Ok(Outcome::Complete(vec![ResourceContents { uri, mime_type: None, body }]))
        };
        Box::pin(async move { result })
    }

    fn watch_resource<'a>(&'a self, permit: Permit, _context: CallContext) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            let _gone = Gone(&self.seen.unwatched);
            self.seen.watching.fetch_add(1, Ordering::SeqCst);
            self.notices.publish(Notice::ResourceUpdated { uri: permit.target().to_owned() });
            std::future::pending().await
        })
    }

    fn complete<'a>(&'a self, _context: CallContext, request: CompletionRequest) -> BoxFuture<'a, Result<Completion, CallError>> {
        if let CompletionTarget::ResourceTemplate(_) = request.target {
            let values = ["1", "2", "3"].map(str::to_owned).to_vec();
            return Box::pin(async { Ok(Completion { values, total: Some(3), has_more: false }) });
        }
        let values = (0..150).map(|n| format!("{}{n}", request.value)).collect();
        Box::pin(async move { Ok(Completion { values, total: Some(150), has_more: false }) })
    }
}

pub(crate) fn finding() -> Finding {
    Finding::error("plugin broken", "does not compile")
}
