//! What the host is compared with: rmcp's own server, configured as the gateway configures it, with the tool `add` as a native function.
//! It runs as a process of its own, which is this program with one word more.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Context as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The argument that makes this program the native server.
pub(crate) const WORD: &str = "native-server";

#[derive(Clone)]
struct Native {
    tool: Arc<Tool>,
}

impl ServerHandler for Native {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        (name == self.tool.name).then(|| (*self.tool).clone())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(vec![(*self.tool).clone()]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let number = |key: &str| arguments.get(key).and_then(Value::as_i64);
        let sum = number("a").zip(number("b")).and_then(|(a, b)| a.checked_add(b));
        let sum = sum.ok_or_else(|| ErrorData::invalid_params("`a` and `b` are whole numbers", None))?;
        let mut result = CallToolResult::success(vec![ContentBlock::text(sum.to_string())]);
        result.structured_content = Some(json!({"sum": sum}));
        Ok(result.into())
    }
}

fn tool() -> anyhow::Result<Tool> {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]});
    let schema: JsonObject = schema.as_object().cloned().context("a schema is an object")?;
    Ok(Tool::new("add", "Adds two whole numbers.", schema))
}

/// Prints its URL and serves until it is killed.
pub(crate) fn run() -> anyhow::Result<()> {
    let native = Native { tool: Arc::new(tool()?) };
    let config = StreamableHttpServerConfig::default().with_json_response(true);
    let service = StreamableHttpService::new(move || Ok(native.clone()), Arc::new(LocalSessionManager::default()), config);
    let service = Arc::new(service);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}/mcp", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let service = Arc::clone(&service);
            let answer = service_fn(move |request| {
                let service = Arc::clone(&service);
                async move { Ok::<_, Infallible>(service.handle(request).await) }
            });
            let serving = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), answer);
            // A connection that breaks is a client that went away.
            drop(tokio::spawn(serving));
        }
    })
}
