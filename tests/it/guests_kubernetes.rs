//! The capability `kubernetes` from inside a guest: every function arrives as the request it should be, and what the grant does not
//! cover never arrives.

use std::sync::Arc;

use portcullis_core::grant::Grants;
use portcullis_core::kube::{Form, KubeEvent, KubeOperation, PatchKind};
use portcullis_core::kubegrant::{KubernetesGrant, KubernetesRule};
use portcullis_core::limits::Limits;
use portcullis_core::ports::Plugin;
use portcullis_tests::guest;
use serde_json::{Value, json};

use crate::guests_kube::SilentKube;
use crate::guests_rig::Rig;

struct Scene {
    rig: Rig,
    kube: Arc<SilentKube>,
    relay: Arc<dyn Plugin>,
}

async fn scene(rule: KubernetesRule, secret_values: bool) -> Scene {
    let kube = Arc::new(SilentKube::default());
    let rig = Rig::with_kube(Some(kube.clone()));
    let granted = Grants { kubernetes: Some(KubernetesGrant { rules: vec![rule], secret_values }), ..Grants::default() };
    let relay = rig.load_with(guest!("kubernetes_calls"), granted, Limits::default()).await.unwrap();
    Scene { rig, kube, relay }
}

fn rule(resources: &[&str], verbs: &[&str], namespaces: &[&str]) -> KubernetesRule {
    let list = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    let api_groups = list(&[""]);
    KubernetesRule {
        api_groups,
        resources: list(resources),
        verbs: list(verbs),
        namespaces: list(namespaces),
        resource_names: vec![],
    }
}

impl Scene {
    async fn relay(&self, arguments: Value) -> Value {
        let output = self.rig.call(&*self.relay, "relay", &arguments.to_string()).await.unwrap();
        serde_json::from_str(output.structured.as_deref().unwrap()).unwrap()
    }

    fn asked(&self) -> Vec<KubeOperation> {
        self.kube.requests.lock().unwrap().drain(..).map(|request| request.operation).collect()
    }
}

#[tokio::test]
async fn every_function_arrives_as_its_request() {
    let scene = scene(rule(&["pods", "pods/log", "pods/proxy"], &["*"], &["*"]), false).await;
    // What is created has its name in the body.
    let about = |op: &str| json!({"op": op, "name": (op != "create").then_some("db-1"), "body": "{}"});
    for op in ["get", "metadata", "create", "apply", "merge", "json-patch", "delete", "logs", "access", "discover", "version"] {
        let answer = scene.relay(about(op)).await;
        assert_eq!(answer["body"], r#"{"kind":"Pod"}"#, "{op}: {answer}");
    }
    scene.relay(json!({"op": "proxy", "name": "https:db-1:8000", "body": "/pg/status"})).await;
    scene.relay(json!({"op": "list"})).await;
    let asked = scene.asked();
    assert_eq!((&asked[0], &asked[1]), (&KubeOperation::Get(Form::Object), &KubeOperation::Get(Form::Metadata)));
    let is = |number: usize, test: fn(&KubeOperation) -> bool| assert!(test(&asked[number]), "{number}: {:?}", asked[number]);
    is(
        2,
        |asked| matches!(asked, KubeOperation::Create(body, options) if body == "{}" && options.field_manager.as_deref() == Some("relay")),
    );
    is(
        3,
        |asked| matches!(asked, KubeOperation::Apply(_, options, false) if options.field_validation.as_deref() == Some("Strict")),
    );
    is(4, |asked| matches!(asked, KubeOperation::Patch(PatchKind::Merge, ..)));
    is(5, |asked| matches!(asked, KubeOperation::Patch(PatchKind::Json, ..)));
    is(6, |asked| matches!(asked, KubeOperation::Delete(_)));
    is(7, |asked| matches!(asked, KubeOperation::Logs(_)));
    is(8, |asked| matches!(asked, KubeOperation::Access));
    is(9, |asked| matches!(asked, KubeOperation::Discover));
    is(10, |asked| matches!(asked, KubeOperation::ServerVersion));
    is(11, |asked| matches!(asked, KubeOperation::Proxy(path) if path == "/pg/status"));
    is(12, |asked| matches!(asked, KubeOperation::List(options, Form::Object) if options.limit == Some(10)));
}

#[tokio::test]
async fn what_the_grant_does_not_cover_is_never_sent_and_names_the_rule() {
    let scene = scene(rule(&["pods"], &["get"], &["default"]), false).await;
    let beyond = [
        json!({"op": "delete", "name": "db-1"}),
        json!({"op": "get", "name": "db-1", "namespace": "other"}),
        json!({"op": "list", "namespace": null}),
        json!({"op": "logs", "name": "db-1"}),
        json!({"op": "watch"}),
        json!({"op": "get", "plural": "secrets", "name": "s"}),
    ];
    for arguments in beyond {
        let status = scene.relay(arguments.clone()).await;
        assert_eq!((&status["code"], &status["origin"]), (&json!(403), &json!("grant")), "{arguments}: {status}");
        assert!(status["message"].as_str().unwrap().contains("verbs"), "no YAML to add: {status}");
    }
    assert_eq!(scene.asked(), []);
    scene.relay(json!({"op": "get", "name": "db-1"})).await;
    assert_eq!(scene.asked().len(), 1);
}

#[tokio::test]
async fn a_name_that_would_change_the_url_is_never_sent() {
    let scene = scene(rule(&["*"], &["*"], &["*"]), true).await;
    for name in ["../secrets/s", "a/b", "..", "a?b", "a%2fb", "a\nb", ""] {
        let status = scene.relay(json!({"op": "get", "name": name})).await;
        assert_eq!(status["reason"], "BadTarget", "{name:?}: {status}");
    }
    assert_eq!(scene.asked(), []);
}

#[tokio::test]
async fn secrets_come_as_metadata_unless_their_values_are_granted() {
    let secret = json!({"op": "get", "plural": "secrets", "name": "s"});
    let without = scene(rule(&["secrets"], &["*"], &["*"]), false).await;
    assert_eq!(without.relay(secret.clone()).await["origin"], "grant");
    without.relay(json!({"op": "metadata", "plural": "secrets", "name": "s"})).await;
    without.relay(json!({"op": "create", "plural": "secrets", "body": "{}"})).await;
    let asked = without.asked();
    assert_eq!(asked[0], KubeOperation::Get(Form::Metadata));
    assert!(matches!(&asked[1], KubeOperation::Create(_, options) if options.reply == Form::Metadata), "{asked:?}");
}

#[tokio::test]
async fn the_values_of_secrets_need_a_request_as_well_as_a_grant() {
    let granted = scene(rule(&["secrets"], &["*"], &["*"]), true).await;
    let status = granted.relay(json!({"op": "get", "plural": "secrets", "name": "s"})).await;
    assert_eq!(status["origin"], "grant", "the manifest does not request secretValues: {status}");
}

#[tokio::test]
async fn several_reads_at_once_are_answered_in_the_order_asked() {
    let scene = scene(rule(&["pods"], &["get"], &["*"]), false).await;
    let answer = scene.relay(json!({"op": "many", "name": "db-1"})).await;
    assert_eq!((&answer["results"][0], &answer["results"][1]), (&json!(r#"{"kind":"Pod"}"#), &json!(r#"{"kind":"Pod"}"#)));
    assert_eq!(answer["results"][2]["origin"], "grant", "list is not granted: {answer}");
}

#[tokio::test]
async fn a_watch_hands_on_its_events_and_ends_in_good_order() {
    let scene = scene(rule(&["pods"], &["watch"], &["*"]), false).await;
    let event = |kind: &str| KubeEvent { kind: kind.to_owned(), object: "{}".to_owned() };
    *scene.kube.events.lock().unwrap() = vec![event("LAST"), event("DELETED"), event("ADDED")];
    let events = scene.relay(json!({"op": "watch"})).await;
    assert_eq!(events["events"], json!([["ADDED", "{}"], ["DELETED", "{}"]]));
    assert_eq!(*scene.kube.watches.lock().unwrap(), 0);
}

#[tokio::test]
async fn the_default_namespace_is_the_hosts() {
    let scene = scene(rule(&["pods"], &["get"], &["*"]), false).await;
    assert_eq!(scene.relay(json!({"op": "namespace"})).await["body"], "home");
}
