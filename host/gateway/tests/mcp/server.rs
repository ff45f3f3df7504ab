//! A gateway on a free port, with fakes at all its ports.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use portcullis_core::audit::AuditRecord;
use portcullis_core::catalogue::Catalogue;
use portcullis_core::config::{Config, Endpoint, Guard, KubernetesConfig, Listener, StoreConfig, Token};
use portcullis_core::policy::{Policy, ScopeHierarchy, TokenRules};
use portcullis_core::ports::{AuditError, AuditSink, Plugin, PluginStore};
use portcullis_core::secret::TokenHash;
use portcullis_core::snapshot::Snapshot;
use portcullis_core::strategies::Strategies;
use portcullis_gateway::{Gateway, GatewayParts, KubernetesProbe, Notices};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::client::{Answer, LEGACY, Post};
use crate::fake::{Fake, Seen};

/// May do everything.
pub(crate) const ADMIN: &str = "admin-token";
/// May call `echo` and `who`, and read `fake://1/*`.
pub(crate) const READER: &str = "reader-token";

#[derive(Default)]
pub(crate) struct Trail {
    records: Mutex<Vec<AuditRecord>>,
    pub(crate) full: AtomicBool,
}

impl AuditSink for Trail {
    fn record(&self, record: &AuditRecord) -> Result<(), AuditError> {
        self.records.lock().push(record.clone());
        Ok(())
    }

    fn ready(&self) -> Result<(), AuditError> {
        if self.full.load(Ordering::SeqCst) { Err(AuditError("no space left".into())) } else { Ok(()) }
    }
}

impl Trail {
    /// `principal action target outcome policies`, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |it: &AuditRecord| {
            format!("{} {} {} {} {}", it.principal, it.action, it.target, it.outcome.word(), it.policies.join(","))
        };
        self.records.lock().iter().map(line).collect()
    }

    pub(crate) fn last(&self) -> String {
        self.lines().pop().unwrap_or_default()
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Gateway,
    pub(crate) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(crate) trail: Arc<Trail>,
    pub(crate) notices: Notices,
    pub(crate) seen: Arc<Seen>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: Option<tokio::task::JoinHandle<()>>,
}

pub(crate) fn rules(tools: &[&str], prompts: &[&str], resources: &[&str]) -> TokenRules {
    let owned = |list: &[&str]| list.iter().map(|&it| it.to_owned()).collect();
    TokenRules { tools: owned(tools), prompts: owned(prompts), resources: owned(resources) }
}

pub(crate) fn tokens() -> BTreeMap<String, Token> {
    let reader = rules(&["echo", "who"], &[], &["fake://1/*"]);
    BTreeMap::from([
        ("admin".to_owned(), Token { hash: TokenHash::of(ADMIN), rules: rules(&["*"], &["*"], &["*"]) }),
        ("reader".to_owned(), Token { hash: TokenHash::of(READER), rules: reader }),
    ])
}

pub(crate) fn snapshot(generation: u64, plugins: Vec<Arc<dyn Plugin>>, tokens: BTreeMap<String, Token>) -> Arc<Snapshot> {
    let endpoint = Endpoint::new;
    let listener = Listener {
        name: "main".into(),
        address: "127.0.0.1:4204".parse().unwrap(),
        public_url: None,
        trusted_proxies: Vec::new(),
        allowed_hosts: vec!["mcp.example.com".into()],
        allowed_origins: vec!["https://app.example.com".into()],
        max_body: 64 << 10,
        endpoints: vec![endpoint("/mcp", Guard::tokens()), endpoint("/open", Guard::None)],
    };
    let rules = tokens.iter().map(|(name, token)| (name.clone(), token.rules.clone())).collect();
    let config = Config {
        listeners: vec![listener],
        tokens,
        access: Vec::new(),
        scope_hierarchy: ScopeHierarchy::default(),
        secrets: BTreeMap::new(),
        keys: Vec::new(),
        rings: BTreeMap::new(),
        store: StoreConfig::Sqlite("s".into()),
        state_directory: "s".into(),
        plugin_directory: "plugins".into(),
        plugins: BTreeMap::new(),
        kubernetes: KubernetesConfig::default(),
        audit: None,
        cache_directory: "cache".into(),
        max_concurrent_calls: 64,
        queue_timeout: Duration::ZERO,
        list_ttl: Duration::from_secs(60),
        instructions: Some("Ask for clusters.".into()),
    };
    let (catalogue, findings) = Catalogue::build(plugins, |_| false);
    let strategies = Strategies::default();
    Arc::new(Snapshot { generation, config: Arc::new(config), catalogue, strategies, policy: Policy::new(rules), findings })
}

impl Server {
    pub(crate) async fn start() -> Self {
        let notices = Notices::new();
        let fake = Fake::new("fake", notices.clone());
        Self::with(fake, notices, None).await
    }

    pub(crate) async fn with(fake: Fake, notices: Notices, kubernetes: Option<KubernetesProbe>) -> Self {
        Self::made(fake, notices, kubernetes, None).await
    }

    /// With a store.
    pub(crate) async fn keeping(store: Option<Arc<dyn PluginStore>>) -> Self {
        let notices = Notices::new();
        Self::made(Fake::new("fake", notices.clone()), notices, None, store).await
    }

    async fn made(
        fake: Fake,
        notices: Notices,
        kubernetes: Option<KubernetesProbe>,
        store: Option<Arc<dyn PluginStore>>,
    ) -> Self {
        let seen = Arc::clone(&fake.seen);
        let first = snapshot(1, vec![Arc::new(fake)], tokens());
        let (snapshots, receiver) = watch::channel(first);
        let trail = Arc::new(Trail::default());
        let parts = GatewayParts { audit: Arc::clone(&trail) as Arc<dyn AuditSink>, notices: notices.clone(), store, kubernetes };
        let gateway = Gateway::new(receiver, parts);
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (socket.local_addr().unwrap(), CancellationToken::new());
        let (serving, shutdown) = (gateway.clone(), stop.clone());
        let task = tokio::spawn(async move { serving.serve_listener(socket, "main", shutdown).await.unwrap() });
        Self { address, gateway, snapshots, trail, notices, seen, stop, task: Some(task) }
    }

    /// Opens a session of an older revision on `path` and completes the handshake.
    pub(crate) async fn session(&self, capabilities: serde_json::Value, dress: impl Fn(Post) -> Post) -> String {
        let answer = dress(Post::initialize(capabilities)).send(self.address).await;
        let id = answer.headers.get("mcp-session-id").unwrap_or_else(|| panic!("no session in {answer:?}"));
        let id = id.to_str().unwrap().to_owned();
        let initialized = Post::raw(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        let initialized = initialized.header("Mcp-Session-Id", &id).header("MCP-Protocol-Version", LEGACY);
        assert_eq!(dress(initialized).send(self.address).await.status, 202);
        id
    }

    pub(crate) async fn call(&self, name: &str, arguments: serde_json::Value) -> Answer {
        Post::modern("tools/call", serde_json::json!({"name": name, "arguments": arguments})).send(self.address).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Waits for something that another task does.
pub(crate) async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} never happened");
}
