//! Auth strategies in the sandbox: what they answer, what they reach, and that none of their faults is ever a pass.

use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_core::call::CallError;
use portcullis_core::finding::Finding;
use portcullis_core::grant::Grants;
use portcullis_core::limits::Limits;
use portcullis_core::ports::Authenticator;
use portcullis_core::secret::Secret;
use portcullis_core::strategy::{Attempt, Identity, RejectionCode, RouteRequest, Shape, Site, StrategyError, Verdict};
use portcullis_sandbox::{Ports, inspect};
use portcullis_tests::guest;
use portcullis_tests::ports::{FakeDiscovery, FakeEgress, FakeSecrets, FakeStore, FakeTokens};

use crate::guests_rig::{Rig, words};

/// What a strategy may take to judge in these tests; those that loop are given less.
const PATIENCE: Duration = Duration::from_secs(20);

/// A sandbox on a host that has everything that strategies can be granted.
fn rig(egress: &Arc<FakeEgress>) -> Rig {
    let ports = Ports {
        tokens: Some(Arc::new(FakeTokens::default())),
        discovery: Some(Arc::new(FakeDiscovery)),
        egress: Some(egress.clone()),
        secrets: Some(Arc::new(FakeSecrets)),
        store: Some(Arc::new(FakeStore::default())),
    };
    Rig::with(None, ports)
}

fn granted(json: &str) -> Grants {
    serde_json::from_str(json).unwrap()
}

/// All that `auth_calls` asks for, of which lists name little.
fn some() -> Grants {
    granted(
        r#"{"clocks": true, "random": true, "keyvalue": true, "secrets": {"names": ["mine"]}, "discovery": {"issuers": ["https://a"]},
            "jwt": {"issuers": ["https://a"], "keySets": ["https://a/keys"], "rings": ["mine"]},
            "http": {"rules": [{"host": "id.example", "methods": ["GET", "POST"], "inject": {"secret": "mine"}}]}}"#,
    )
}

type Component = anyhow::Result<std::path::PathBuf>;

async fn tried(rig: &Rig, path: Component, granted: Grants, limits: Limits) -> Result<Arc<dyn Authenticator>, Vec<Finding>> {
    Ok(rig.load_any(path, granted, limits).await?.authenticator().expect("it is a tool plugin").clone())
}

async fn load(rig: &Rig, path: Component, granted: Grants) -> Arc<dyn Authenticator> {
    tried(rig, path, granted, Limits::default()).await.unwrap_or_else(|findings| panic!("{}", words(&findings)))
}

pub(crate) fn site(origin: &str) -> Site {
    Site { origin: origin.into(), resources: vec!["https://mcp.example/mcp".into()], scopes: vec!["read".into()] }
}

pub(crate) fn attempt(credential: &str) -> Attempt {
    Attempt {
        request_id: "req-1".into(),
        resource: "https://mcp.example/mcp".into(),
        site: site("https://mcp.example"),
        credential: Secret::new(credential.into()),
    }
}

pub(crate) fn request(path: &str, query: Option<&str>) -> RouteRequest {
    RouteRequest {
        request_id: "req-1".into(),
        site: site("https://mcp.example"),
        method: "GET".into(),
        path: path.into(),
        query: query.map(str::to_owned),
        headers: vec![("user-agent".into(), "tester".into())],
        body: Vec::new(),
        client: "192.0.2.1".into(),
    }
}

async fn identity(strategy: &dyn Authenticator, credential: &str) -> Identity {
    match strategy.authenticate(attempt(credential), PATIENCE).await.unwrap() {
        Verdict::Principal(identity) => *identity,
        other => panic!("{credential}: {other:?}"),
    }
}

/// What `auth_calls` brought home, or the code that it met.
async fn performs(strategy: &dyn Authenticator, what: &str) -> Result<String, String> {
    match strategy.authenticate(attempt(what), PATIENCE).await.unwrap() {
        Verdict::Principal(identity) => Ok(identity.name.unwrap()),
        Verdict::Reject(rejection) => Err(rejection.message),
        Verdict::NotMine => panic!("{what}"),
    }
}

#[tokio::test]
async fn a_strategy_describes_itself_judges_and_serves() {
    let rig = Rig::new();
    let fixed = load(&rig, guest!("fixed_strategy"), Grants::default()).await;
    let described = fixed.describe(site("https://mcp.example")).await.unwrap();
    assert_eq!((described.authorization_servers, described.scopes), (vec!["https://mcp.example".into()], vec!["read".into()]));
    assert_eq!((described.shapes, described.routes[0].path.as_str()), (vec![Shape::Prefix("alice-".into())], "/hello"));
    let alice = identity(&*fixed, "alice-token").await;
    assert_eq!((alice.subject.as_str(), alice.audience[0].as_str()), ("alice", "https://mcp.example/mcp"));
    assert_eq!((alice.grant.as_deref(), alice.expires_at), (Some("login-1"), 4_102_444_800));
    assert_eq!(fixed.authenticate(attempt("bob"), PATIENCE).await.unwrap(), Verdict::NotMine);
    let rejected = fixed.authenticate(attempt("alice-expired"), PATIENCE).await.unwrap();
    assert!(matches!(rejected, Verdict::Reject(rejection) if rejection.code == RejectionCode::Expired));
    let served = fixed.handle(request("/hello", None)).await.unwrap();
    assert_eq!((served.status, served.body.as_slice()), (200, &br#"{"hello":"tester"}"#[..]));
}

#[tokio::test]
async fn a_fault_is_an_error_with_its_time() {
    let rig = Rig::new();
    let fixed = load(&rig, guest!("fixed_strategy"), Grants::default()).await;
    let fault = fixed.authenticate(attempt("alice-later"), PATIENCE).await.unwrap_err();
    let StrategyError::Fault { unavailable, retry_after, .. } = fault else { panic!("{fault:?}") };
    assert_eq!((unavailable, retry_after), (true, Some(Duration::from_secs(2))));
}

#[tokio::test]
async fn a_credential_that_is_too_long_is_refused_unread() {
    let rig = Rig::new();
    let fixed = load(&rig, guest!("fixed_strategy"), Grants::default()).await;
    let verdict = |length: usize| fixed.authenticate(attempt(&"x".repeat(length)), PATIENCE);
    assert_eq!(verdict(16 << 10).await.unwrap(), Verdict::NotMine);
    assert!(matches!(verdict((16 << 10) + 1).await.unwrap(), Verdict::Reject(_)));
}

#[tokio::test]
async fn every_capability_of_strategies_works_through_a_guest() {
    let egress = Arc::new(FakeEgress::default());
    let rig = rig(&egress);
    let calls = load(&rig, guest!("auth_calls"), some()).await;
    for (what, said) in [
        ("verify issuer https://a", "{}"),
        ("verify set https://a/keys", "{}"),
        ("sign mine", "mine/at+jwt"),
        ("public-keys mine", r#"{"keys":[]}"#),
        ("discover https://a", "https://a"),
        ("secret mine", "value of mine"),
        ("random 32", "32"),
        ("set k v", "set"),
        ("add k w", "false"),
        ("get k", "v@1"),
        ("swap k 1 w", "true"),
        ("take k", "w@2"),
        ("take k", "none"),
        ("delete k", "false"),
        ("revoke login-1", "revoked"),
        ("http POST https://id.example/token body", "200 yes 5"),
    ] {
        assert_eq!(performs(&*calls, what).await.as_deref(), Ok(said), "{what}");
    }
    assert!(performs(&*calls, "now").await.unwrap().parse::<u64>().unwrap() > 1_700_000_000);
    let sent = egress.sent.lock()[0].clone();
    assert_eq!((sent.url.as_str(), sent.body.as_slice()), ("https://id.example/token", &b"body"[..]));
    assert_eq!(sent.authorization.unwrap().reveal(), "Bearer value of mine");
    assert!(!sent.headers.iter().any(|(name, value)| name == "authorization" || value.contains("mine")), "{:?}", sent.headers);
}

#[tokio::test]
async fn what_lies_outside_a_grants_lists_is_denied_and_never_a_pass() {
    let egress = Arc::new(FakeEgress::default());
    let rig = rig(&egress);
    let calls = load(&rig, guest!("auth_calls"), some()).await;
    for what in [
        "verify issuer https://b",
        "verify set https://b",
        "verify ring other",
        "sign other",
        "public-keys other",
        "discover https://b",
    ] {
        assert_eq!(performs(&*calls, what).await, Err("denied".into()), "{what}");
    }
    assert_eq!(performs(&*calls, "secret other").await, Err("none".into()));
    for url in ["https://other.example/", "http://id.example/", "https://id.example:8443/"] {
        let refused = performs(&*calls, &format!("http GET {url}")).await.unwrap_err();
        assert!(refused.starts_with("Denied"), "{url}: {refused}");
    }
    assert!(egress.sent.lock().is_empty());
}

#[tokio::test]
async fn each_misbehaviour_of_a_strategy_is_an_error() {
    let rig = Rig::new();
    let limits = Limits { deadline_ms: 300, ..Limits::default() };
    let bad = tried(&rig, guest!("bad_strategy"), Grants::default(), limits).await.unwrap();
    let trap: fn(&CallError) -> bool = |error| matches!(error, CallError::Trap { .. });
    let deadline: fn(&CallError) -> bool = |error| matches!(error, CallError::Deadline { .. });
    let limit: fn(&CallError) -> bool = |error| matches!(error, CallError::Limit { limit: "output" | "memory", .. });
    let contract: fn(&CallError) -> bool = |error| matches!(error, CallError::Contract { .. });
    let check = |what: &str, error: StrategyError, is: fn(&CallError) -> bool| {
        let StrategyError::Call(error) = error else { panic!("{what}: {error:?}") };
        assert!(is(&error) && !error.to_string().contains("secret"), "{what}: {error:?}");
    };
    for (what, is) in [("trap", trap), ("loop", deadline), ("memory", limit)] {
        check(what, bad.authenticate(attempt(what), PATIENCE).await.unwrap_err(), is);
        check(what, bad.describe(site(what)).await.unwrap_err(), is);
        check(what, bad.handle(request(what, None)).await.unwrap_err(), is);
    }
    for (what, is) in [("long subject", contract), ("many groups", contract), ("huge claims", limit), ("split header", contract)]
    {
        check(what, bad.authenticate(attempt(what), PATIENCE).await.unwrap_err(), is);
    }
    check("header", bad.handle(request("/bad", Some("https://a\r\nset-cookie: b"))).await.unwrap_err(), contract);
}

#[tokio::test]
async fn a_strategy_has_the_time_of_the_attempt_and_no_more() {
    let rig = Rig::new();
    let bad = load(&rig, guest!("bad_strategy"), Grants::default()).await;
    let began = Instant::now();
    let late = bad.authenticate(attempt("loop"), Duration::from_millis(100)).await.unwrap_err();
    assert!(matches!(late, StrategyError::Call(CallError::Deadline { .. })), "{late:?}");
    let late = bad.describe(site("loop")).await.unwrap_err();
    assert!(matches!(late, StrategyError::Call(CallError::Deadline { .. })), "{late:?}");
    assert!(began.elapsed() < Limits::default().deadline(), "describe has 2 s, not the plugin's 30");
}

#[tokio::test]
async fn a_flood_of_host_calls_ends_the_guest() {
    let rig = rig(&Arc::new(FakeEgress::default()));
    let calls = load(&rig, guest!("auth_calls"), some()).await;
    let error = calls.authenticate(attempt("flood 20000"), PATIENCE).await.unwrap_err();
    assert!(matches!(error, StrategyError::Call(CallError::Limit { limit: "hostCalls", .. })), "{error:?}");
}

#[tokio::test]
async fn what_the_host_lacks_or_the_operator_does_not_grant_refuses_the_strategy() {
    let lacking = Rig::new().refusal(guest!("auth_calls"), some()).await;
    for name in ["jwt", "discovery", "keyvalue", "secrets", "http"] {
        assert!(lacking.contains(&format!("is granted `{name}`, which this host was started without")), "{lacking}");
    }
    let ungranted = rig(&Arc::default()).refusal(guest!("auth_calls"), Grants::default()).await;
    for yaml in ["keyvalue: true", r#"jwt: {"issuers":["*"]"#, r#"http: {"rules":[{"#, "random: true"] {
        assert!(ungranted.contains(yaml), "`{yaml}` is not in:\n{ungranted}");
    }
}

#[tokio::test]
async fn a_component_of_both_worlds_and_capabilities_of_the_other_world_are_refused() {
    let rig = rig(&Arc::default());
    let both = rig.refusal(guest!("two_worlds"), Grants::default()).await;
    assert!(both.contains("portcullis:tool/tools") && both.contains("portcullis:auth/authentication"), "{both}");
    let minting = rig.refusal(guest!("minting_tool"), some()).await;
    assert!(minting.contains("requests `jwt`") && minting.contains("tool plugin"), "{minting}");
    let asking = rig.refusal(guest!("asking_strategy"), granted(r#"{"progress": true}"#)).await;
    assert!(asking.contains("requests `progress`") && asking.contains("auth strategy"), "{asking}");
}

/// The component with another text of the same length wherever one occurs.
fn patched(path: Component, from: &str, to: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(path.unwrap()).unwrap();
    let places: Vec<usize> = (0..bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty() && from.len() == to.len());
    places.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to.as_bytes()));
    bytes
}

#[test]
fn an_unknown_track_and_a_component_of_neither_world_are_named() {
    let later = patched(guest!("fixed_strategy"), "portcullis:auth/authentication@0.1.0", "portcullis:auth/authentication@0.9.0");
    let said = inspect(&later).unwrap_err().to_string();
    assert!(said.contains("track 0.9 of `portcullis:auth`") && said.contains("speaks 0.1"), "{said}");
    let neither =
        patched(guest!("fixed_strategy"), "portcullis:auth/authentication@0.1.0", "portcullis:auth/authenticatiom@0.1.0");
    let said = inspect(&neither).unwrap_err().to_string();
    assert!(said.contains("portcullis:tool/tools") && said.contains("portcullis:auth/authentication`"), "{said}");
}
