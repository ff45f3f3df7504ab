//! The capability through its WIT `Host` trait, against an API server that remembers what it was asked.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use portcullis_core::kube::{Form, KubeCause, KubeEvent, KubeOperation, KubeReply, KubeRequest, KubeStatus, WatchRequest};
use portcullis_core::kubegrant::{KubernetesGrant, KubernetesRule};
use portcullis_core::ports::{BoxFuture, KubeApi, KubeWatch};

use crate::bindings::kubernetes as wit;
use crate::bindings::kubernetes::{Host as _, HostWatcher as _};
use crate::state::CallState;
use crate::testing;

/// Answers everything with one body, or with one refusal.
struct Api {
    body: &'static str,
    refusal: Mutex<Option<KubeStatus>>,
    asked: Mutex<Vec<KubeRequest>>,
}

/// One event, then the end.
struct OneEvent(bool);

impl KubeWatch for OneEvent {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<KubeEvent, KubeStatus>>> {
        let first = !std::mem::replace(&mut self.0, true);
        Box::pin(async move { first.then(|| Ok(KubeEvent { kind: "ADDED".into(), object: "{}".into() })) })
    }
}

impl KubeApi for Api {
    fn send(&self, request: KubeRequest) -> BoxFuture<'_, Result<KubeReply, KubeStatus>> {
        self.asked.lock().push(request);
        let refusal = self.refusal.lock().clone();
        Box::pin(async { refusal.map_or_else(|| Ok(KubeReply { body: self.body.into(), warnings: vec![] }), Err) })
    }
    fn watch(&self, _: WatchRequest) -> BoxFuture<'_, Result<Box<dyn KubeWatch>, KubeStatus>> {
        Box::pin(async { Ok(Box::new(OneEvent(false)) as Box<dyn KubeWatch>) })
    }
    fn default_namespace(&self) -> &str {
        "here"
    }
    fn reachable(&self, _: Duration) -> BoxFuture<'_, Result<(), KubeStatus>> {
        Box::pin(async { Ok(()) })
    }
}

fn grant(resources: &[&str], verbs: &[&str], secret_values: bool) -> KubernetesGrant {
    let list = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    let rule = KubernetesRule {
        api_groups: list(&[""]),
        resources: list(resources),
        verbs: list(verbs),
        namespaces: list(&["a"]),
        resource_names: vec![],
    };
    KubernetesGrant { rules: vec![rule], secret_values }
}

fn state(grant: KubernetesGrant, body: &'static str) -> (CallState, Arc<Api>) {
    let api = Arc::new(Api { body, refusal: Mutex::default(), asked: Mutex::default() });
    let state = testing::state_with(|shared| {
        shared.grants.kubernetes = Some(grant.clone());
        shared.requests.kubernetes = Some(self::grant(&["*"], &["*"], true));
        shared.kube = Some(api.clone());
        shared.limits.host_reply = 1_024;
    });
    (state, api)
}

fn target(plural: &str, name: Option<&str>) -> wit::Target {
    wit::Target {
        group: String::new(),
        version: "v1".into(),
        plural: plural.into(),
        namespace: Some("a".into()),
        name: name.map(str::to_owned),
        subresource: None,
    }
}

fn get(plural: &str, form: &str) -> wit::GetRequest {
    wit::GetRequest { target: target(plural, Some("x")), form: form.into() }
}

fn options() -> wit::WriteOptions {
    wit::WriteOptions { dry_run: false, field_manager: None, field_validation: None, reply: "object".into() }
}

fn list_options() -> wit::ListOptions {
    wit::ListOptions { label_selector: None, field_selector: None, limit: None, continue_: None, resource_version: None }
}

#[tokio::test]
async fn what_the_grant_covers_is_sent_and_comes_back_byte_for_byte() {
    let (mut state, api) = state(grant(&["pods"], &["get"], false), "{ \"b\":1, \"a\":2 }");
    assert_eq!(state.get(get("pods", "object")).await.unwrap().unwrap().body, "{ \"b\":1, \"a\":2 }");
    assert_eq!(api.asked.lock()[0].max_reply, 1_024);
}

#[tokio::test]
async fn while_offers_are_listed_a_request_gets_a_second_and_in_a_call_the_rest_of_it() {
    let (mut state, api) = state(grant(&["pods"], &["get"], false), "{}");
    state.get(get("pods", "object")).await.unwrap().unwrap();
    state.withheld = Some(std::collections::BTreeMap::new());
    state.get(get("pods", "object")).await.unwrap().unwrap();
    state.discover("apps".into(), "v1".into()).await.unwrap().unwrap();
    let times: Vec<Duration> = api.asked.lock().iter().map(|request| request.timeout).collect();
    assert!(times[0] > super::LISTING_TIME, "{times:?}");
    assert_eq!(times[1..], [super::LISTING_TIME; 2]);
}

#[tokio::test]
async fn what_the_grant_does_not_cover_is_a_403_with_the_yaml_and_nothing_is_sent() {
    let (mut state, api) = state(grant(&["pods"], &["get"], false), "{}");
    let status = state.delete(target("pods", Some("x")), delete_options()).await.unwrap().unwrap_err();
    assert_eq!((status.code, status.origin.as_str()), (403, "grant"));
    assert!(status.message.contains("plugins.p.grants.kubernetes.rules"), "{}", status.message);
    assert!(status.message.contains("verbs: [\"delete\"]"), "{}", status.message);
    let mut elsewhere = get("pods", "object");
    elsewhere.target.namespace = Some("b".into());
    assert_eq!(state.get(elsewhere).await.unwrap().unwrap_err().code, 403);
    assert!(api.asked.lock().is_empty());
}

fn delete_options() -> wit::DeleteOptions {
    wit::DeleteOptions { dry_run: false, uid: None, resource_version: None, propagation: None, grace_period_seconds: None }
}

#[tokio::test]
async fn values_of_secrets_take_a_grant_of_their_own() {
    let (mut state, api) = state(grant(&["secrets"], &["*"], false), r#"{"data":{"p":"x"}}"#);
    assert_eq!(state.get(get("secrets", "object")).await.unwrap().unwrap_err().origin, "grant");
    assert!(state.get(get("secrets", "metadata")).await.unwrap().is_ok());
    assert!(state.patch(target("secrets", Some("x")), "json".into(), "[]".into(), options()).await.unwrap().is_err());
    assert!(state.watch(target("secrets", None), list_options(), "object".into(), 1).await.unwrap().is_err());
    let reply = state.delete(target("secrets", Some("x")), delete_options()).await.unwrap().unwrap();
    assert!(!reply.body.contains("\"data\""), "{}", reply.body);
    state.apply(target("secrets", Some("x")), "{}".into(), options(), false).await.unwrap().unwrap();
    let asked = api.asked.lock();
    assert!(matches!(&asked.last().unwrap().operation, KubeOperation::Apply(_, options, _) if options.reply == Form::Metadata));
}

/// What a real API server answers to a merge patch that makes a Secret invalid: the whole patched object, quoted.
fn quoting_refusal() -> KubeStatus {
    let message = "unable to decode: {\"data\":{\"password\":\"aHVudGVyMg==\"}}";
    let cause = KubeCause { reason: "FieldValueInvalid".into(), message: message.into(), field: "type".into() };
    KubeStatus { code: 422, reason: "Invalid".into(), message: message.into(), causes: vec![cause], ..KubeStatus::default() }
}

#[tokio::test]
async fn a_refused_write_of_a_secret_does_not_quote_its_values() {
    let (mut state, api) = state(grant(&["secrets", "configmaps"], &["*"], false), "{}");
    *api.refusal.lock() = Some(quoting_refusal());
    let secret = || target("secrets", Some("x"));
    let refusals = [
        state.patch(secret(), "merge".into(), r#"{"type":5}"#.into(), options()).await.unwrap().unwrap_err(),
        state.apply(secret(), "{}".into(), options(), false).await.unwrap().unwrap_err(),
        state.create(target("secrets", None), "{}".into(), options()).await.unwrap().unwrap_err(),
        state.delete(secret(), delete_options()).await.unwrap().unwrap_err(),
    ];
    for status in refusals {
        assert_eq!((status.code, status.reason.as_str(), status.origin.as_str()), (422, "Invalid", "api-server"));
        assert!(!format!("{status:?}").contains("aHVudGVyMg"), "{status:?}");
        assert!(status.message.contains("hidden") && status.message.contains("secretValues"), "{}", status.message);
    }
    let other = state.patch(target("configmaps", Some("x")), "merge".into(), "{}".into(), options()).await.unwrap();
    assert!(other.unwrap_err().message.contains("unable to decode"));
}

#[tokio::test]
async fn a_refused_write_of_a_secret_whose_values_are_granted_comes_with_its_words() {
    let (mut state, api) = state(grant(&["secrets"], &["*"], true), "{}");
    *api.refusal.lock() = Some(quoting_refusal());
    let refused = state.patch(target("secrets", Some("x")), "merge".into(), "{}".into(), options()).await.unwrap();
    assert_eq!(refused.unwrap_err().causes.len(), 1);
}

#[tokio::test]
async fn an_apply_needs_the_verb_create_too_since_it_creates_what_is_not_there() {
    let (mut patcher, api) = state(grant(&["pods"], &["patch"], false), "{}");
    let refused = patcher.apply(target("pods", Some("x")), "{}".into(), options(), false).await.unwrap().unwrap_err();
    assert!(refused.origin == "grant" && refused.message.contains("verbs: [\"create\"]"), "{}", refused.message);
    assert!(api.asked.lock().is_empty());
    assert!(patcher.patch(target("pods", Some("x")), "merge".into(), "{}".into(), options()).await.unwrap().is_ok());
    let (mut both, _) = state(grant(&["pods"], &["patch", "create"], false), "{}");
    assert!(both.apply(target("pods", Some("x")), "{}".into(), options(), false).await.unwrap().is_ok());
}

#[tokio::test]
async fn with_secret_values_granted_a_secret_comes_whole() {
    let (mut state, _) = state(grant(&["secrets"], &["*"], true), r#"{"data":{}}"#);
    assert_eq!(state.get(get("secrets", "object")).await.unwrap().unwrap().body, r#"{"data":{}}"#);
}

#[tokio::test]
async fn many_reads_answer_in_order_each_with_its_own_result_and_share_one_cap() {
    let body = Box::leak("x".repeat(500).into_boxed_str());
    let (mut state, _) = state(grant(&["pods"], &["get"], false), body);
    let reads = ["pods", "nodes", "pods", "pods"].map(|plural| wit::Read::Get(get(plural, "object")));
    let answers = state.read_many(reads.into()).await.unwrap();
    let reasons: Vec<&str> =
        answers.iter().map(|answer| answer.as_ref().map_or_else(|status| status.reason.as_str(), |_| "ok")).collect();
    assert_eq!(reasons, ["ok", "Forbidden", "ok", "TooLarge"]);
}

/// Answers when all that are let in at the same time have come, and counts them.
#[derive(Default)]
struct Crowd {
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl KubeApi for Crowd {
    fn send(&self, _: KubeRequest) -> BoxFuture<'_, Result<KubeReply, KubeStatus>> {
        Box::pin(async {
            let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(inside, Ordering::SeqCst);
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            self.inside.fetch_sub(1, Ordering::SeqCst);
            Ok(KubeReply::default())
        })
    }
    fn watch(&self, _: WatchRequest) -> BoxFuture<'_, Result<Box<dyn KubeWatch>, KubeStatus>> {
        Box::pin(async { Err(KubeStatus::default()) })
    }
    fn default_namespace(&self) -> &str {
        "here"
    }
    fn reachable(&self, _: Duration) -> BoxFuture<'_, Result<(), KubeStatus>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn only_eight_of_many_reads_hold_a_reply_at_the_same_time() {
    let crowd = Arc::new(Crowd::default());
    let mut state = testing::state_with(|shared| {
        shared.grants.kubernetes = Some(grant(&["pods"], &["get"], false));
        shared.kube = Some(crowd.clone());
    });
    let reads = (0..super::READS_MAX).map(|_| wit::Read::Get(get("pods", "object"))).collect();
    assert!(state.read_many(reads).await.unwrap().iter().all(Result::is_ok));
    assert_eq!(crowd.most.load(Ordering::SeqCst), super::READ_CONCURRENCY);
}

#[tokio::test]
async fn a_reply_over_the_cap_is_a_status() {
    let body = Box::leak("x".repeat(1_025).into_boxed_str());
    let (mut state, _) = state(grant(&["pods"], &["get"], false), body);
    assert_eq!(state.get(get("pods", "object")).await.unwrap().unwrap_err().reason, "TooLarge");
}

#[tokio::test]
async fn a_watch_yields_events_and_ends_in_good_order() {
    let (mut state, _) = state(grant(&["pods"], &["watch"], false), "{}");
    let watcher = state.watch(target("pods", None), list_options(), "object".into(), 1).await.unwrap().unwrap();
    let again = || wasmtime::component::Resource::new_borrow(watcher.rep());
    assert_eq!(state.next(again(), 1_000).await.unwrap().unwrap().unwrap().kind, "ADDED");
    assert!(!state.ended(again()).await.unwrap());
    assert!(state.next(again(), 1_000).await.unwrap().unwrap().is_none());
    assert!(state.ended(again()).await.unwrap());
    assert_eq!(state.watchers, 1);
    wit::HostWatcher::drop(&mut state, watcher).await.unwrap();
    assert_eq!(state.watchers, 0);
}

#[tokio::test]
async fn one_call_holds_only_so_many_watches() {
    let (mut state, _) = state(grant(&["pods"], &["watch"], false), "{}");
    for _ in 0..super::WATCHERS_MAX {
        state.watch(target("pods", None), list_options(), "object".into(), 1).await.unwrap().unwrap();
    }
    let status = state.watch(target("pods", None), list_options(), "object".into(), 1).await.unwrap().unwrap_err();
    assert_eq!(status.code, 429);
}

#[tokio::test]
async fn without_a_cluster_every_request_says_so() {
    let (mut state, _) = state(grant(&["pods"], &["get"], false), "{}");
    let mut none = testing::shared();
    none.grants = state.shared.grants.clone();
    state = testing::state_of(none, Arc::new(testing::Client::default()));
    assert_eq!(state.get(get("pods", "object")).await.unwrap().unwrap_err().reason, "Unconfigured");
    assert_eq!(state.default_namespace().await.unwrap(), "default");
}
