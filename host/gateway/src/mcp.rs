//! MCP's methods, each in a file of its own below; this one only hands rmcp's calls on. Works alike over HTTP and stdio.
#![expect(deprecated, reason = "revisions before 2026-07-28 are served as well")]

mod asked;
mod completions;
mod digest;
mod info;
mod legacy;
mod listen;
mod notifier;
mod prompts;
mod questions;
mod record;
mod resources;
pub(crate) mod sealed;
mod sink;
mod tools;
mod turn;
pub(crate) mod watches;

pub(crate) use asked::Asked;
pub(crate) use record::refused_for_scopes;
pub(crate) use tools::call as call_tool;

use std::sync::Arc;

use http::request::Parts;
use portcullis_core::policy::Action;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, CustomRequest, CustomResult, DiscoverResult,
    Extensions, GetPromptRequestParams, GetPromptResponse, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerConfig,
    SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

use crate::entry::{Caller, Entry, Visit};
use crate::gateway::Shared;
use crate::proof::Proof;
use crate::respond;

type Context = RequestContext<RoleServer>;

/// Serves one request of 2026-07-28, one session of an older revision, or one stdio client. `Clone` is cheap.
#[derive(Clone)]
pub(crate) struct Handler {
    shared: Arc<Shared>,
    /// The request that this handler was made for; `None` over stdio, where it serves them all.
    first: Option<Arc<Visit>>,
    session: Arc<legacy::Session>,
    proof: Arc<Proof>,
    /// Streams should end in good order.
    closing: CancellationToken,
}

impl Handler {
    /// `proof` is the session's, should one be opened.
    pub(crate) fn http(shared: Arc<Shared>, visit: Arc<Visit>, proof: Arc<Proof>, closing: CancellationToken) -> Self {
        Self { shared, first: Some(visit), session: Arc::default(), proof, closing }
    }

    pub(crate) fn stdio(shared: Arc<Shared>, closing: CancellationToken) -> Self {
        Self { shared, first: None, session: Arc::default(), proof: Proof::new(Caller::local()), closing }
    }

    /// The request's own view: over HTTP it comes with the request, over stdio it is made here. Never falls back from one to the other.
    fn entry(&self, extensions: &Extensions) -> Entry {
        let Some(first) = &self.first else { return self.local() };
        visit(extensions).unwrap_or(first).entry(&self.shared)
    }

    /// Lets go of the snapshot that a stream, or a session, began with.
    fn release(&self, extensions: &Extensions) {
        self.first.iter().chain(visit(extensions)).for_each(|visit| visit.release());
    }

    fn own_entry(&self) -> Entry {
        self.first.as_ref().map_or_else(|| self.local(), |first| first.entry(&self.shared))
    }

    fn local(&self) -> Entry {
        self.shared.enter(self.shared.snapshot(), Caller::local())
    }
}

fn visit(extensions: &Extensions) -> Option<&Arc<Visit>> {
    extensions.get::<Parts>()?.extensions.get()
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        info::config(&self.own_entry())
    }

    async fn discover(&self, context: Context) -> Result<DiscoverResult, ErrorData> {
        Ok(info::discover(&self.entry(&context.extensions), self.supported_protocol_versions().into_owned()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        // Tells which headers must match the body, and must not tell that a tool exists: each call is decided on its own, later.
        let entry = self.own_entry();
        let visible = entry.snapshot.policy.allows(entry.principal(), Action::CallTool, name);
        entry.wire.tools.get(name).filter(|_| visible).cloned()
    }

    async fn list_tools(&self, request: Option<PaginatedRequestParams>, context: Context) -> Result<ListToolsResult, ErrorData> {
        tools::list(&self.entry(&context.extensions), request, &context).map_err(respond::mcp)
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: Context) -> Result<CallToolResponse, ErrorData> {
        tools::call(&self.shared, Asked::of(self, &context).map_err(respond::mcp)?, request).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        prompts::list(&self.entry(&context.extensions), request, &context).map_err(respond::mcp)
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, context: Context) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(self, request, &context).await.map_err(respond::mcp)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        resources::list(self, request, &context).await.map_err(respond::mcp)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        resources::templates(&self.entry(&context.extensions), request, &context).map_err(respond::mcp)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resources::read(self, request, &context).await.map_err(respond::mcp)
    }

    async fn complete(&self, request: CompleteRequestParams, context: Context) -> Result<CompleteResult, ErrorData> {
        completions::complete(self, request, &context).await.map_err(respond::mcp)
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(listen::accepted(&self.shared, &self.own_entry(), requested))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        listen::run(self, context).await;
        Ok(())
    }

    async fn subscribe(&self, request: SubscribeRequestParams, context: Context) -> Result<(), ErrorData> {
        legacy::subscribe(self, request.uri, &context).await.map_err(respond::mcp)
    }

    async fn unsubscribe(&self, request: UnsubscribeRequestParams, _context: Context) -> Result<(), ErrorData> {
        self.session.unsubscribe(&request.uri);
        Ok(())
    }

    async fn set_level(&self, request: SetLevelRequestParams, context: Context) -> Result<(), ErrorData> {
        legacy::set_level(self, request.level, &context)
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        legacy::notify(self, context);
    }

    async fn on_custom_request(&self, request: CustomRequest, context: Context) -> Result<CustomResult, ErrorData> {
        Err(info::not_understood(&request.method, &context))
    }
}
