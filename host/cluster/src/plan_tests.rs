//! Tests of the plans: what each operation puts on the wire.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use super::Plan;
use http::{HeaderMap, HeaderValue, Method};
use portcullis_core::kube::{
    DeleteOptions, Form, KubeOperation, KubeRequest, KubeStatus, ListOptions, LogOptions, PatchKind, Target, WatchRequest,
    WriteOptions,
};
use serde_json::{Value, json};
use std::time::Duration;

fn target(plural: &str, name: Option<&str>) -> Target {
    let group = if plural == "clusters" { "postgresql.cnpg.io" } else { "" };
    Target {
        group: group.into(),
        version: "v1".into(),
        plural: plural.into(),
        namespace: Some("prod".into()),
        name: name.map(Into::into),
        subresource: None,
    }
}

fn planned(target: Target, operation: KubeOperation) -> Result<Plan, KubeStatus> {
    let request = KubeRequest { target, operation, timeout: Duration::from_secs(5), max_reply: 1000, impersonate: None };
    Plan::of(&request, "own")
}

fn plan(target: Target, operation: KubeOperation) -> Plan {
    planned(target, operation).unwrap()
}

fn line(plan: &Plan) -> String {
    format!("{} {}", plan.method, plan.uri)
}

fn body(plan: &Plan) -> Value {
    serde_json::from_slice(&plan.content.as_ref().unwrap().1).unwrap()
}

const CLUSTER: &str = "/apis/postgresql.cnpg.io/v1/namespaces/prod/clusters/db";

#[test]
fn reads_ask_for_their_form_and_never_fall_back_to_the_whole_object() {
    let accept = |form| plan(target("clusters", Some("db")), KubeOperation::Get(form)).accept;
    assert_eq!(accept(Form::Object), "application/json");
    assert_eq!(accept(Form::Table), "application/json;as=Table;v=v1;g=meta.k8s.io");
    assert_eq!(accept(Form::Metadata), "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io");
    let list = plan(target("secrets", None), KubeOperation::List(ListOptions::default(), Form::Metadata));
    assert_eq!(list.accept, "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
    assert!(list.reads && list.content.is_none());
}

#[test]
fn a_list_carries_selectors_and_pages() {
    let options = ListOptions {
        label_selector: Some("a=b".into()),
        field_selector: Some("metadata.name=x".into()),
        limit: Some(5),
        continue_token: Some("tok/1".into()),
        resource_version: Some("0".into()),
    };
    let plan = plan(target("clusters", None), KubeOperation::List(options, Form::Object));
    let expected = "labelSelector=a%3Db&fieldSelector=metadata.name%3Dx&resourceVersion=0&limit=5&continue=tok%2F1";
    assert_eq!(line(&plan), format!("GET /apis/postgresql.cnpg.io/v1/namespaces/prod/clusters?{expected}"));
}

#[test]
fn writes_carry_their_options_and_the_body_byte_for_byte() {
    let options = || WriteOptions {
        dry_run: true,
        field_manager: Some("pcl".into()),
        field_validation: Some("Strict".into()),
        reply: Form::Metadata,
    };
    let all = "?dryRun=All&fieldManager=pcl&fieldValidation=Strict";
    let text = "{ \"a\" : 1.0 }";
    let create = plan(target("clusters", None), KubeOperation::Create(text.into(), options()));
    let apply = plan(target("clusters", Some("db")), KubeOperation::Apply(text.into(), options(), true));
    let merge = plan(target("clusters", Some("db")), KubeOperation::Patch(PatchKind::Merge, text.into(), options()));
    let json = plan(target("clusters", Some("db")), KubeOperation::Patch(PatchKind::Json, text.into(), options()));
    assert_eq!(line(&create), format!("POST /apis/postgresql.cnpg.io/v1/namespaces/prod/clusters{all}"));
    assert_eq!(line(&apply), format!("PATCH {CLUSTER}{all}&force=true"));
    assert_eq!(line(&merge), format!("PATCH {CLUSTER}{all}"));
    let kinds = [&create, &apply, &merge, &json].map(|plan| plan.content.as_ref().unwrap().0);
    assert_eq!(
        kinds,
        ["application/json", "application/apply-patch+yaml", "application/merge-patch+json", "application/json-patch+json"]
    );
    assert!(
        [create, apply, merge, json]
            .iter()
            .all(|plan| !plan.reads && plan.accept.contains("Partial") && plan.content.as_ref().unwrap().1 == text)
    );
}

#[test]
fn an_apply_without_a_field_manager_is_refused_before_it_is_sent() {
    let refusal =
        planned(target("clusters", Some("db")), KubeOperation::Apply("{}".into(), WriteOptions::default(), false)).unwrap_err();
    assert!(refusal.reason == "BadTarget" && refusal.message.contains("field manager"), "{refusal}");
}

#[test]
fn a_delete_carries_its_fences_in_the_body() {
    let options = DeleteOptions {
        dry_run: true,
        uid: Some("u".into()),
        resource_version: Some("7".into()),
        propagation: Some("Foreground".into()),
        grace_period_seconds: Some(0),
    };
    let fenced = plan(target("clusters", Some("db")), KubeOperation::Delete(options));
    assert_eq!(line(&fenced), format!("DELETE {CLUSTER}"));
    let expected = json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"], "propagationPolicy": "Foreground",
        "gracePeriodSeconds": 0, "preconditions": {"uid": "u", "resourceVersion": "7"}});
    assert_eq!(body(&fenced), expected);
    let bare = plan(target("clusters", Some("db")), KubeOperation::Delete(DeleteOptions::default()));
    assert_eq!(body(&bare), json!({"apiVersion": "v1", "kind": "DeleteOptions"}));
    assert!(planned(target("clusters", None), KubeOperation::Delete(DeleteOptions::default())).is_err());
}

#[test]
fn a_deleted_secret_comes_back_as_metadata_at_most() {
    let secret = plan(target("secrets", Some("app")), KubeOperation::Delete(DeleteOptions::default()));
    assert!(secret.accept.contains("PartialObjectMetadata") && !secret.accept.contains(','));
}

#[test]
fn logs_are_cut_at_what_the_host_takes() {
    let options = LogOptions {
        container: Some("postgres".into()),
        previous: true,
        timestamps: true,
        since_seconds: Some(60),
        tail_lines: Some(10),
        limit_bytes: Some(5000),
    };
    let all = plan(target("pods", Some("db-1")), KubeOperation::Logs(options));
    let query = "container=postgres&previous=true&timestamps=true&sinceSeconds=60&tailLines=10&limitBytes=1000";
    assert_eq!(line(&all), format!("GET /api/v1/namespaces/prod/pods/db-1/log?{query}"));
    let less =
        plan(target("pods", Some("db-1")), KubeOperation::Logs(LogOptions { limit_bytes: Some(10), ..LogOptions::default() }));
    assert!(all.text && less.uri.ends_with("?limitBytes=10"), "{}", less.uri);
}

#[test]
fn a_proxied_get_stays_behind_its_object() {
    let status = plan(target("pods", Some("https:db-1:8000")), KubeOperation::Proxy("/pg/status?x=1".into()));
    assert_eq!(line(&status), "GET /api/v1/namespaces/prod/pods/https:db-1:8000/proxy/pg/status?x=1");
    assert!(planned(target("pods", Some("db-1")), KubeOperation::Proxy("/../../secrets".into())).is_err());
    let elsewhere = Target { subresource: Some("exec".into()), ..target("pods", Some("db-1")) };
    assert!(planned(elsewhere, KubeOperation::Proxy("/".into())).is_err());
}

#[test]
fn an_access_review_asks_about_the_namespace_and_else_about_the_hosts_own() {
    let asked = plan(target("", None), KubeOperation::Access);
    let own = plan(Target::default(), KubeOperation::Access);
    assert_eq!(
        (body(&asked)["spec"]["namespace"].as_str(), body(&own)["spec"]["namespace"].as_str()),
        (Some("prod"), Some("own"))
    );
    assert!(asked.reads && asked.method == Method::POST);
}

#[test]
fn discovery_and_version_have_their_own_paths() {
    let discover = |group: &str| {
        plan(Target { group: group.into(), version: "v1".into(), ..Target::default() }, KubeOperation::Discover).uri
    };
    assert_eq!((discover("").as_str(), discover("postgresql.cnpg.io").as_str()), ("/api/v1", "/apis/postgresql.cnpg.io/v1"));
    assert_eq!(plan(Target::default(), KubeOperation::ServerVersion).uri, "/version");
}

#[test]
fn a_watch_asks_for_bookmarks_and_says_when_it_ends() {
    let options = ListOptions { resource_version: Some("9".into()), limit: Some(3), ..ListOptions::default() };
    let request =
        WatchRequest { target: target("clusters", None), options, form: Form::Metadata, timeout_seconds: 30, impersonate: None };
    let plan = Plan::watch(&request).unwrap();
    assert!(
        plan.uri.ends_with("/clusters?resourceVersion=9&watch=true&allowWatchBookmarks=true&timeoutSeconds=30"),
        "{}",
        plan.uri
    );
    assert!(plan.accept.contains("PartialObjectMetadata;"));
}

#[test]
fn the_request_carries_the_caller_and_the_same_again_when_repeated() {
    let caller = HeaderMap::from_iter([(http::HeaderName::from_static("impersonate-user"), HeaderValue::from_static("jane"))]);
    let plan = plan(target("clusters", None), KubeOperation::Create("{}".into(), WriteOptions::default()));
    for request in [plan.request(&caller).unwrap(), plan.request(&caller).unwrap()] {
        assert_eq!(request.headers()["impersonate-user"], "jane");
        assert_eq!(request.headers()["content-type"], "application/json");
    }
}
