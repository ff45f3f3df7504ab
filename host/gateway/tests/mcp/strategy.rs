//! An auth strategy written by hand: it knows a few credentials, serves a few routes, and does what a test tells it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use portcullis_core::call::CallError;
use portcullis_core::catalogue::Catalogue;
use portcullis_core::config::{Config, Endpoint, Guard, StrategyRef};
use portcullis_core::keyvalue::{Entry, KeyValueError, Write};
use portcullis_core::manifest::Manifest;
use portcullis_core::plugin::{Descriptor, Digest, Exports};
use portcullis_core::policy::{AccessRule, Policy, ScopeHierarchy};
use portcullis_core::ports::{Authenticator, BoxFuture, Plugin, PluginStore};
use portcullis_core::snapshot::Snapshot;
use portcullis_core::strategies::{Described, Strategies, sites};
use portcullis_core::strategy::{
    Attempt, Identity, Rejection, RejectionCode, Route, RouteRequest, RouteResponse, Shape, Site, Strategy, StrategyError,
    Verdict,
};
use tokio::sync::Notify;

use crate::server::{rules, snapshot, tokens};

pub(crate) const ORIGIN: &str = "https://mcp.example.com";
pub(crate) const RESOURCE: &str = "https://mcp.example.com/login";

pub(crate) struct FakeStrategy {
    descriptor: Descriptor,
    pub(crate) asked: AtomicUsize,
    /// The last request to a route.
    pub(crate) seen: Mutex<Option<RouteRequest>>,
    /// Lets `?slow` go on, and counts those that did.
    pub(crate) go: Notify,
    pub(crate) finished: AtomicUsize,
}

impl FakeStrategy {
    pub(crate) fn new(name: &str) -> Arc<Self> {
        let manifest = Manifest::parse(&format!("name: {name}\nversion: 1.0.0\ndescription: d\n")).unwrap();
        let descriptor = Descriptor {
            manifest,
            digest: Digest::of(name.as_bytes()),
            tools: vec![],
            withheld: BTreeMap::new(),
            prompts: vec![],
            templates: vec![],
            exports: Exports::default(),
        };
        let (asked, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { descriptor, asked, seen: Mutex::new(None), go: Notify::new(), finished })
    }

    pub(crate) fn described() -> Strategy {
        let route = |method: &str, path: &str, cors| Route { method: method.into(), path: path.into(), cors };
        Strategy {
            authorization_servers: vec!["https://id.example.com".into()],
            scopes: vec!["db".into(), "danger".into(), "offline_access".into()],
            metadata: Some(r#"{"authorization_details_types_supported":["namespace"],"resource":"https://evil"}"#.into()),
            shapes: vec![Shape::parse("prefix:fake-")],
            routes: vec![
                route("GET", "/authorize", false),
                route("POST", "/token", true),
                route("POST", "/consent", false),
                route("GET", "/.well-known/oauth-authorization-server", true),
            ],
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// `fake-NAME`, then what the identity has, e.g. `fake-jane+db+danger`; some names mean trouble.
fn judge(credential: &str) -> Result<Verdict, StrategyError> {
    let mut parts = credential.trim_start_matches("fake-").split('+');
    let name = parts.next().unwrap();
    let scopes = parts.map(str::to_owned).collect();
    let mut identity = Identity {
        subject: name.to_owned(),
        issuer: "https://id.example.com".into(),
        name: Some("Jane".into()),
        groups: vec!["dba".into()],
        scopes,
        audience: vec![RESOURCE.to_owned()],
        expires_at: now() + 3600,
        client: None,
        grant: Some(format!("grant-{name}")),
        authorization_details: None,
    };
    let fault = |unavailable| StrategyError::Fault {
        unavailable,
        message: "db down at 10.0.0.1".into(),
        retry_after: Some(Duration::from_secs(7)),
    };
    match name {
        "stranger" => return Ok(Verdict::NotMine),
        "expired" => {
            return Ok(Verdict::Reject(Rejection { code: RejectionCode::Expired, message: "the token has expired".into() }));
        }
        "fault" => return Err(fault(true)),
        "elsewhere" => identity.audience = vec!["https://other.example.com/mcp".into()],
        "local" => identity.issuer = "portcullis:local".into(),
        "narrow" => identity.authorization_details = Some(r#"[{"type":"namespace"}]"#.into()),
        "late" => identity.expires_at = now(),
        "brief" if !identity.scopes.iter().any(|scope| scope == "long") => identity.expires_at = now() + 2,
        _ => {}
    }
    Ok(Verdict::Principal(Box::new(identity)))
}

impl Authenticator for FakeStrategy {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn describe(&self, _: Site) -> BoxFuture<'_, Result<Strategy, StrategyError>> {
        Box::pin(async { Ok(Self::described()) })
    }

    fn authenticate(&self, attempt: Attempt, within: Duration) -> BoxFuture<'_, Result<Verdict, StrategyError>> {
        assert!(within <= Duration::from_secs(5));
        assert_eq!((attempt.resource.as_str(), attempt.site.origin.as_str()), (RESOURCE, ORIGIN));
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if attempt.credential.reveal() == "fake-silent" {
                return std::future::pending().await;
            }
            judge(attempt.credential.reveal())
        })
    }

    fn handle(&self, request: RouteRequest) -> BoxFuture<'_, Result<RouteResponse, StrategyError>> {
        let query = request.query.clone().unwrap_or_default();
        *self.seen.lock() = Some(request);
        Box::pin(async move {
            match query.as_str() {
                "fault" => {
                    return Err(StrategyError::Fault { unavailable: true, message: "secret details".into(), retry_after: None });
                }
                "busy" => return Err(CallError::Overloaded { retry_after: Duration::from_secs(3) }.into()),
                "slow" => {
                    self.go.notified().await;
                    self.finished.fetch_add(1, Ordering::SeqCst);
                }
                _ => {}
            }
            let headers =
                vec![("content-type".to_owned(), "text/plain".to_owned()), ("set-cookie".to_owned(), "__Host-x=1".to_owned())];
            Ok(RouteResponse { status: 200, headers, body: b"served".to_vec() })
        })
    }
}

/// A store that only knows what was revoked.
#[derive(Default)]
pub(crate) struct Revoked(pub(crate) Mutex<Vec<String>>);

impl PluginStore for Revoked {
    fn get<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>> {
        Box::pin(async { Ok(None) })
    }
    fn put<'a>(&'a self, _: &'a str, _: &'a str, _: Write) -> BoxFuture<'a, Result<bool, KeyValueError>> {
        Box::pin(async { Ok(false) })
    }
    fn take<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Option<Entry>, KeyValueError>> {
        Box::pin(async { Ok(None) })
    }
    fn revoke<'a>(&'a self, _: &'a str, grant: &'a str) -> BoxFuture<'a, Result<(), KeyValueError>> {
        self.0.lock().push(grant.to_owned());
        Box::pin(async { Ok(()) })
    }
    fn is_revoked(&self, plugin: &str, grant: &str) -> bool {
        plugin == "proxy" && self.0.lock().iter().any(|one| one == grant)
    }
    fn knows_revocations(&self) -> bool {
        !self.0.lock().iter().any(|one| one == "(away)")
    }
}

/// The usual host, with `/login` guarded by tokens and then by the strategy `proxy`.
pub(crate) fn guarded(generation: u64, plugins: Vec<Arc<dyn Plugin>>, strategy: Option<&Arc<FakeStrategy>>) -> Arc<Snapshot> {
    let base = snapshot(generation, vec![], tokens());
    let mut config: Config = base.config.as_ref().clone();
    let listener = &mut config.listeners[0];
    listener.public_url = Some(ORIGIN.to_owned());
    let mut endpoint = Endpoint::new("/login", Guard::Strategies(vec![StrategyRef::Tokens, StrategyRef::Plugin("proxy".into())]));
    endpoint.scopes = vec!["db".into(), "gone".into(), "offline_access".into()];
    listener.endpoints.push(endpoint);
    let loaded: BTreeMap<String, Arc<dyn Authenticator>> =
        strategy.map(|one| ("proxy".to_owned(), Arc::clone(one) as Arc<dyn Authenticator>)).into_iter().collect();
    let described = sites(&config)
        .into_iter()
        .filter(|_| strategy.is_some())
        .map(|(listener, plugin, site)| (listener, Described { plugin, site, strategy: FakeStrategy::described() }));
    let (strategies, findings) = Strategies::build(&config, loaded, described.collect());
    let rule = AccessRule {
        name: "dba".into(),
        groups: vec!["dba".into()],
        scopes: vec!["db".into()],
        rules: rules(&["*"], &["*"], &["*"]),
        ..AccessRule::default()
    };
    let token_rules = config.tokens.iter().map(|(name, token)| (name.clone(), token.rules.clone())).collect();
    let policy = Policy::new(token_rules)
        .with_access(vec![rule], ScopeHierarchy::default())
        .with_tool_scopes([("who".to_owned(), vec!["danger".to_owned()])].into());
    let (catalogue, _) = Catalogue::build(plugins, |_| false);
    Arc::new(Snapshot { generation, config: Arc::new(config), catalogue, strategies, policy, findings })
}
