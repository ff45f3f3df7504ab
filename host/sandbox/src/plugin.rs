//! A loaded plugin: core's `Plugin` port over one component. Each method is one visit to a fresh instance; what a visit is, `runtime.rs` says.

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_core::call::{CallContext, CallError, Outcome};
use portcullis_core::completion::{Completion, CompletionRequest};
use portcullis_core::content::{ResourceContents, ToolOutput};
use portcullis_core::finding::Finding;
use portcullis_core::grant::Grants;
use portcullis_core::plugin::{Descriptor, Exports};
use portcullis_core::policy::{Action, Permit};
use portcullis_core::ports::{BoxFuture, Plugin, Relisted};
use portcullis_core::prompt::Expansion;
use portcullis_core::resource::ResourcePage;
use wasmtime::component::{ComponentExportIndex, InstancePre};

use crate::bindings::{completion, prompt, resource, subscription, tools, types};
use crate::convert::{self, offer, page};
use crate::guest::Guest;
use crate::loader::subject;
use crate::runtime::{Visit, WATCH_PIECE, enter, within};
use crate::state::CallState;

/// See the module.
pub(crate) struct Loaded {
    guest: Guest,
    descriptor: Descriptor,
    indices: Indices,
}

/// `tools.call`, as `bindings.rs` would have it.
type CallParameters<'a> = (&'a types::Context, &'a str, &'a str);
type CallResults = (Result<tools::Outcome, types::Failure>,);

/// Where the exports are within the component; the optional ones as the component's type has them.
#[derive(Clone)]
struct Indices {
    /// By itself: loading the whole interface would compare the types of `list`, too, at each call.
    call: ComponentExportIndex,
    tools: tools::GuestIndices,
    prompts: Option<prompt::GuestIndices>,
    resources: Option<resource::GuestIndices>,
    subscriptions: Option<subscription::GuestIndices>,
    completions: Option<completion::GuestIndices>,
}

impl Indices {
    fn new(pre: &InstancePre<CallState>, exports: Exports) -> wasmtime::Result<Self> {
        Ok(Self {
            call: call(pre)?,
            tools: tools::GuestIndices::new(pre)?,
            prompts: exports.prompts.then(|| prompt::GuestIndices::new(pre)).transpose()?,
            resources: exports.resources.then(|| resource::GuestIndices::new(pre)).transpose()?,
            subscriptions: exports.subscriptions.then(|| subscription::GuestIndices::new(pre)).transpose()?,
            completions: exports.completions.then(|| completion::GuestIndices::new(pre)).transpose()?,
        })
    }
}

fn call(pre: &InstancePre<CallState>) -> wasmtime::Result<ComponentExportIndex> {
    let component = pre.component();
    let interface = component.get_export_index(None, "portcullis:tool/tools@0.1.0");
    let call = interface.and_then(|interface| component.get_export_index(Some(&interface), "call"));
    call.ok_or_else(|| wasmtime::format_err!("it does not export `portcullis:tool/tools` with `call`"))
}

impl Loaded {
    pub(crate) fn new(guest: Guest, descriptor: Descriptor) -> wasmtime::Result<Self> {
        let indices = Indices::new(&guest.pre, descriptor.exports)?;
        Ok(Self { guest, descriptor, indices })
    }

    /// Asks the guest what it offers; the error tells everything that is wrong with it.
    pub(crate) async fn list(&mut self) -> Result<(), Vec<String>> {
        let one = |error: CallError| vec![error.to_string()];
        let (listed, withheld) = self.list_tools().await.map_err(one)?;
        self.descriptor.tools = offer::tools(listed)?;
        self.descriptor.withheld = withheld;
        let listed = self.list_prompts().await.map_err(one)?;
        self.descriptor.prompts = offer::prompts(listed)?;
        let listed = self.list_templates().await.map_err(one)?;
        self.descriptor.templates = offer::templates(listed)?;
        self.guest.shared.owned.templates(&self.descriptor.templates);
        Ok(())
    }

    /// The same component and grants with what the guest offers now.
    async fn list_again(&self) -> Relisted {
        let mut next = Self { guest: self.guest.clone(), descriptor: self.descriptor.clone(), indices: self.indices.clone() };
        let finding = |problem: String| {
            Finding::error(
                subject(&self.descriptor.manifest),
                format!("its offers changed, and it cannot say to what: {problem}"),
            )
            .hint("what it offered before is still offered, until it says again that something changed")
        };
        next.list().await.map_err(|problems| problems.into_iter().map(finding).collect::<Vec<_>>())?;
        let differs = !next.descriptor.offers_like(&self.descriptor);
        Ok(differs.then(|| Arc::new(next) as Arc<dyn Plugin>))
    }

    /// The tools on offer, and those left out with the reasons.
    async fn list_tools(&self) -> Result<(Vec<types::Tool>, BTreeMap<String, String>), CallError> {
        let mut visit = Visit::to_list(&self.guest).await?;
        let listed = enter!(visit, self.indices.tools, |guest| guest.call_list(&mut visit.store));
        let withheld = visit.store.data_mut().withheld.take().unwrap_or_default();
        Ok((visit.settle(listed)?, withheld))
    }

    async fn list_prompts(&self) -> Result<Vec<prompt::Prompt>, CallError> {
        let Some(indices) = &self.indices.prompts else { return Ok(Vec::new()) };
        let mut visit = Visit::to_list(&self.guest).await?;
        let listed = enter!(visit, indices, |guest| guest.call_list(&mut visit.store));
        visit.settle(listed)
    }

    async fn list_templates(&self) -> Result<Vec<resource::Template>, CallError> {
        let Some(indices) = &self.indices.resources else { return Ok(Vec::new()) };
        let mut visit = Visit::to_list(&self.guest).await?;
        let listed = enter!(visit, indices, |guest| guest.call_templates(&mut visit.store));
        visit.settle(listed)
    }

    async fn tool(&self, permit: Permit, context: CallContext, arguments: String) -> Result<Outcome<ToolOutput>, CallError> {
        covers(&permit, Action::CallTool, &context)?;
        let mut visit = Visit::to_call(&self.guest, &context).await?;
        let context = convert::context(context, visit.remaining());
        let answer = within(visit.deadline, async {
            let instance = visit.pre.instantiate_async(&mut visit.store).await?;
            let call = instance.get_typed_func::<CallParameters<'_>, CallResults>(&mut visit.store, &self.indices.call)?;
            let (answer,) = call.call_async(&mut visit.store, (&context, permit.target(), &arguments)).await?;
            Ok(answer)
        });
        let answer = answer.await;
        visit.answer(answer, convert::outcome)
    }

    async fn prompt(
        &self,
        permit: Permit,
        context: CallContext,
        arguments: Vec<(String, String)>,
    ) -> Result<Outcome<Expansion>, CallError> {
        covers(&permit, Action::GetPrompt, &context)?;
        let Some(indices) = &self.indices.prompts else { return Err(self.lacks("prompts", context.request_id)) };
        let mut visit = Visit::to_call(&self.guest, &context).await?;
        let context = convert::context(context, visit.remaining());
        let answer = enter!(visit, indices, |guest| guest.call_get(&mut visit.store, &context, permit.target(), &arguments));
        visit.answer(answer, page::expansion)
    }

    async fn resources(&self, context: CallContext, cursor: Option<String>) -> Result<ResourcePage, CallError> {
        let Some(indices) = &self.indices.resources else { return Ok(ResourcePage::default()) };
        let mut visit = Visit::to_call(&self.guest, &context).await?;
        let context = convert::context(context, visit.remaining());
        let answer = enter!(visit, indices, |guest| guest.call_list(&mut visit.store, &context, cursor.as_deref()));
        let page = visit.answer(answer, page::page)?;
        self.guest.shared.owned.listed(page.resources.iter().map(|resource| resource.uri.as_str()));
        Ok(page)
    }

    async fn read(&self, permit: Permit, context: CallContext) -> Result<Outcome<Vec<ResourceContents>>, CallError> {
        covers(&permit, Action::ReadResource, &context)?;
        let Some(indices) = &self.indices.resources else { return Err(self.lacks("resources", context.request_id)) };
        let mut visit = Visit::to_call(&self.guest, &context).await?;
        let context = convert::context(context, visit.remaining());
        let answer = enter!(visit, indices, |guest| guest.call_read(&mut visit.store, &context, permit.target()));
        visit.answer(answer, page::contents)
    }

    async fn watch(&self, permit: Permit, context: CallContext) -> Result<(), CallError> {
        covers(&permit, Action::ReadResource, &context)?;
        let Some(indices) = &self.indices.subscriptions else { return Err(self.lacks("subscriptions", context.request_id)) };
        let mut visit = Visit::to_watch(&self.guest, &context).await?;
        visit.store.data_mut().announced.watches(permit.target());
        let context = convert::context(context, WATCH_PIECE);
        let answer = enter!(visit, indices, |guest| guest.call_watch(&mut visit.store, &context, permit.target()));
        visit.answer(answer, |(), _| Ok(()))
    }

    async fn completion(&self, context: CallContext, request: CompletionRequest) -> Result<Completion, CallError> {
        let Some(indices) = &self.indices.completions else { return Ok(Completion::default()) };
        let mut visit = Visit::to_call(&self.guest, &context).await?;
        let context = convert::context(context, visit.remaining());
        let target = page::reference(request.target);
        let (argument, value, known) = (&request.argument, &request.value, &request.known);
        let answer =
            enter!(visit, indices, |guest| guest.call_complete(&mut visit.store, &context, &target, argument, value, known));
        visit.answer(answer, page::completion)
    }

    /// Something was routed here that this plugin never offered.
    fn lacks(&self, export: &str, request_id: String) -> CallError {
        let reason = format!("it does not export `portcullis:tool/{export}`");
        CallError::Contract { plugin: self.guest.shared.name.clone(), reason, request_id }
    }
}

/// A permit is for one action: one to read a resource calls no tool of the same name.
fn covers(permit: &Permit, action: Action, context: &CallContext) -> Result<(), CallError> {
    if permit.action() == action {
        return Ok(());
    }
    tracing::error!(
        request_id = context.request_id,
        permitted = permit.action().word(),
        wanted = action.word(),
        "a permit was misused"
    );
    Err(CallError::Host { request_id: context.request_id.clone() })
}

impl Plugin for Loaded {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn grants(&self) -> &Grants {
        &self.guest.shared.grants
    }

    fn offers_changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.guest.shared.stale.notified())
    }

    fn list_again(&self) -> BoxFuture<'_, Relisted> {
        Box::pin(self.list_again())
    }

    fn call_tool<'a>(
        &'a self,
        permit: Permit,
        context: CallContext,
        arguments: String,
    ) -> BoxFuture<'a, Result<Outcome<ToolOutput>, CallError>> {
        Box::pin(self.tool(permit, context, arguments))
    }

    fn get_prompt<'a>(
        &'a self,
        permit: Permit,
        context: CallContext,
        arguments: Vec<(String, String)>,
    ) -> BoxFuture<'a, Result<Outcome<Expansion>, CallError>> {
        Box::pin(self.prompt(permit, context, arguments))
    }

    fn list_resources<'a>(
        &'a self,
        context: CallContext,
        cursor: Option<String>,
    ) -> BoxFuture<'a, Result<ResourcePage, CallError>> {
        Box::pin(self.resources(context, cursor))
    }

    fn read_resource<'a>(
        &'a self,
        permit: Permit,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Outcome<Vec<ResourceContents>>, CallError>> {
        Box::pin(self.read(permit, context))
    }

    fn watch_resource<'a>(&'a self, permit: Permit, context: CallContext) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(self.watch(permit, context))
    }

    fn complete<'a>(&'a self, context: CallContext, request: CompletionRequest) -> BoxFuture<'a, Result<Completion, CallError>> {
        Box::pin(self.completion(context, request))
    }
}
