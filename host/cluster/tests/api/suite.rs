//! What the client promises, whichever server answers. Each case takes names of its own.

use std::sync::Arc;
use std::time::Duration;

use kubesim::Rule;
use portcullis_core::kube::{DeleteOptions, Form, KubeOperation, KubeOrigin, ListOptions, PatchKind, Target, WriteOptions};
use portcullis_core::ports::KubeApi as _;
use serde_json::{Value, json};

use super::asking::{
    ask, ask_for, by, clusters, config_map, config_maps, core, create, delete, json_of, labelled, request, shown, watch,
};
use super::server::Server;

pub(crate) async fn an_object_is_created_and_read_in_every_form(server: Arc<Server>) {
    let api = server.admin().await;
    let created = create(&api, "forms", "forms").await;
    let whole = json_of(&api, config_maps(Some("forms")), KubeOperation::Get(Form::Object)).await;
    assert_eq!((&whole["data"]["a"], &whole["metadata"]["uid"]), (&json!("1"), &created["metadata"]["uid"]));
    let metadata = json_of(&api, config_maps(Some("forms")), KubeOperation::Get(Form::Metadata)).await;
    assert_eq!((metadata["kind"].as_str(), metadata.get("data")), (Some("PartialObjectMetadata"), None));
    let listed = json_of(&api, config_maps(None), KubeOperation::List(labelled("forms"), Form::Metadata)).await;
    assert_eq!((listed["kind"].as_str(), listed["items"][0].get("data")), (Some("PartialObjectMetadataList"), None));
    let table = json_of(&api, config_maps(None), KubeOperation::List(labelled("forms"), Form::Table)).await;
    assert_eq!((table["kind"].as_str(), table["rows"].as_array().map(Vec::len)), (Some("Table"), Some(1)));
    assert!(table["rows"][0]["object"].get("data").is_none());
}

pub(crate) async fn a_list_comes_in_pages(server: Arc<Server>) {
    let api = server.admin().await;
    for name in ["page-1", "page-2", "page-3"] {
        create(&api, name, "pages").await;
    }
    let page = |token: Option<String>| {
        let options = ListOptions { limit: Some(2), continue_token: token, ..labelled("pages") };
        json_of(&api, config_maps(None), KubeOperation::List(options, Form::Object))
    };
    let first = page(None).await;
    let token = first["metadata"]["continue"].as_str().unwrap().to_owned();
    let second = page(Some(token)).await;
    let count = |page: &Value| page["items"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&second), second["metadata"]["continue"].as_str().unwrap_or_default()), (2, 1, ""));
}

pub(crate) async fn an_apply_owns_its_fields_until_it_is_forced(server: Arc<Server>) {
    let api = server.admin().await;
    let apply = |manager: &str, value: &str, force| {
        let object = config_map("applied", "applied", value);
        ask(&api, config_maps(Some("applied")), KubeOperation::Apply(object, by(manager), force))
    };
    apply("one", "1", false).await.unwrap();
    let refusal = apply("two", "2", false).await.unwrap_err();
    assert_eq!((refusal.code, refusal.reason.as_str()), (409, "Conflict"));
    assert!(
        refusal.causes.iter().any(|cause| cause.reason == "FieldManagerConflict" && cause.message.contains("one")),
        "{refusal:?}"
    );
    let forced: Value = serde_json::from_str(&apply("two", "2", true).await.unwrap().body).unwrap();
    assert_eq!(forced["data"]["a"], "2");
}

pub(crate) async fn a_dry_run_changes_nothing(server: Arc<Server>) {
    let api = server.admin().await;
    let dry = || WriteOptions { dry_run: true, ..by("test") };
    let created = json_of(&api, config_maps(None), KubeOperation::Create(config_map("dry", "dry", "1"), dry())).await;
    assert_eq!(created["metadata"]["name"], "dry");
    assert_eq!(ask(&api, config_maps(Some("dry")), KubeOperation::Get(Form::Object)).await.unwrap_err().code, 404);
    create(&api, "dry", "dry").await;
    let fences = DeleteOptions { dry_run: true, ..DeleteOptions::default() };
    ask(&api, config_maps(Some("dry")), KubeOperation::Delete(fences)).await.unwrap();
    let patch = KubeOperation::Patch(PatchKind::Merge, r#"{"data":{"a":"2"}}"#.into(), dry());
    assert_eq!(json_of(&api, config_maps(Some("dry")), patch).await["data"]["a"], "2");
    assert_eq!(json_of(&api, config_maps(Some("dry")), KubeOperation::Get(Form::Object)).await["data"]["a"], "1");
}

pub(crate) async fn patches_change_what_they_name_and_conflict_when_they_are_late(server: Arc<Server>) {
    let api = server.admin().await;
    let version = create(&api, "patched", "patched").await["metadata"]["resourceVersion"].clone();
    let patch =
        |kind, body: Value| ask(&api, config_maps(Some("patched")), KubeOperation::Patch(kind, body.to_string(), by("test")));
    patch(PatchKind::Json, json!([{"op": "replace", "path": "/data/a", "value": "2"}])).await.unwrap();
    let late = patch(PatchKind::Merge, json!({"metadata": {"resourceVersion": version}, "data": {"a": "3"}})).await.unwrap_err();
    assert_eq!((late.code, late.reason.as_str(), late.origin), (409, "Conflict", KubeOrigin::ApiServer));
    let merged: Value = serde_json::from_str(&patch(PatchKind::Merge, json!({"data": {"b": "4"}})).await.unwrap().body).unwrap();
    assert_eq!(merged["data"], json!({"a": "2", "b": "4"}));
}

pub(crate) async fn an_invalid_object_names_its_fields(server: Arc<Server>) {
    let api = server.admin().await;
    let object = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "invalid"}, "spec": {"instances": 0}});
    let refusal = ask(&api, clusters(None), KubeOperation::Create(object.to_string(), by("test"))).await.unwrap_err();
    assert_eq!((refusal.code, refusal.reason.as_str()), (422, "Invalid"));
    assert!(refusal.causes.iter().any(|cause| cause.field == "spec.instances" && !cause.message.is_empty()), "{refusal:?}");
}

pub(crate) async fn a_delete_is_fenced_by_uid_and_then_the_object_is_gone(server: Arc<Server>) {
    let api = server.admin().await;
    let uid = create(&api, "fenced", "fenced").await["metadata"]["uid"].as_str().unwrap().to_owned();
    let remove = |uid: &str| {
        let fences = DeleteOptions { uid: Some(uid.into()), propagation: Some("Background".into()), ..DeleteOptions::default() };
        ask(&api, config_maps(Some("fenced")), KubeOperation::Delete(fences))
    };
    assert_eq!(remove("another").await.unwrap_err().code, 409);
    remove(&uid).await.unwrap();
    let gone = remove(&uid).await.unwrap_err();
    assert_eq!((gone.code, gone.reason.as_str()), (404, "NotFound"));
}

pub(crate) async fn a_secret_held_by_a_finalizer_comes_back_without_its_values(server: Arc<Server>) {
    let api = server.admin().await;
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}, "data": {"password": "aHVudGVyMg=="}});
    ask(&api, core("secrets", None), KubeOperation::Create(object.to_string(), by("test"))).await.unwrap();
    let reply = ask(&api, core("secrets", Some("held")), KubeOperation::Delete(DeleteOptions::default())).await.unwrap();
    assert!(reply.body.contains("held") && !reply.body.contains("aHVudGVyMg"), "{}", reply.body);
    let release = KubeOperation::Patch(PatchKind::Merge, r#"{"metadata":{"finalizers":null}}"#.into(), by("test"));
    ask(&api, core("secrets", Some("held")), release).await.unwrap();
}

pub(crate) async fn a_watch_follows_an_object_and_ends_in_good_order(server: Arc<Server>) {
    let api = server.admin().await;
    create(&api, "watched", "watched").await;
    let mut events = watch(&api, config_maps(None), labelled("watched"), 2).await.unwrap();
    assert_eq!(shown(&mut *events).await, "ADDED watched");
    let patch = KubeOperation::Patch(PatchKind::Merge, r#"{"data":{"a":"2"}}"#.into(), by("test"));
    ask(&api, config_maps(Some("watched")), patch).await.unwrap();
    assert_eq!(shown(&mut *events).await, "MODIFIED watched");
    delete(&api, "watched").await.unwrap();
    assert_eq!(shown(&mut *events).await, "DELETED watched");
    while let Some(event) = events.next().await {
        assert_eq!(event.unwrap().kind, "BOOKMARK");
    }
    assert!(events.next().await.is_none());
}

pub(crate) async fn a_watch_loses_nothing_when_its_future_is_dropped(server: Arc<Server>) {
    let api = server.admin().await;
    let mut events = watch(&api, config_maps(None), labelled("dropped"), 60).await.unwrap();
    for number in 0..20 {
        create(&api, &format!("dropped-{number}"), "dropped").await;
    }
    let mut seen = Vec::new();
    while seen.len() < 20 {
        // Dropped at every possible moment: most of these time out in the middle of something.
        if let Ok(event) = tokio::time::timeout(Duration::from_micros(50), events.next()).await {
            let event = event.unwrap().unwrap();
            let object: Value = serde_json::from_str(&event.object).unwrap();
            seen.extend((event.kind == "ADDED").then(|| object["metadata"]["name"].as_str().unwrap().to_owned()));
        }
    }
    assert_eq!(seen, (0..20).map(|number| format!("dropped-{number}")).collect::<Vec<_>>());
}

pub(crate) async fn discovery_version_and_access_answer(server: Arc<Server>) {
    let api = server.admin().await;
    let group = Target { group: "postgresql.cnpg.io".into(), version: "v1".into(), ..Target::default() };
    let resources = json_of(&api, group, KubeOperation::Discover).await;
    assert!(resources["resources"].as_array().unwrap().iter().any(|resource| resource["name"] == "clusters"));
    assert!(json_of(&api, Target::default(), KubeOperation::ServerVersion).await["gitVersion"].is_string());
    let rules = json_of(&api, Target::default(), KubeOperation::Access).await;
    assert!(rules["status"]["resourceRules"].as_array().unwrap().iter().any(|rule| rule["verbs"][0] == "*"), "{rules}");
    api.reachable(Duration::from_secs(30)).await.unwrap();
    assert_eq!(api.default_namespace(), "default");
}

pub(crate) async fn an_unknown_group_is_not_found_in_words(server: Arc<Server>) {
    let api = server.admin().await;
    let target = Target { group: "nobody.example.com".into(), ..clusters(Some("x")) };
    let refusal = ask(&api, target, KubeOperation::Get(Form::Object)).await.unwrap_err();
    assert!(refusal.code == 404 && refusal.reason == "NotFound" && !refusal.message.is_empty(), "{refusal:?}");
}

pub(crate) async fn a_user_without_rights_is_forbidden_and_the_refusal_names_the_right(server: Arc<Server>) {
    let (name, api) = server.user(&[Rule::new("", &["configmaps"], &["list"]).in_namespaces(&["default"])]).await;
    ask(&api, config_maps(None), KubeOperation::List(labelled("none"), Form::Object)).await.unwrap();
    let refusal = ask(&api, core("secrets", Some("x")), KubeOperation::Get(Form::Object)).await.unwrap_err();
    assert_eq!((refusal.code, refusal.reason.as_str()), (403, "Forbidden"));
    let right = format!(r#"User "{name}" cannot get resource "secrets" in API group "" in the namespace "default""#);
    assert!(refusal.message.contains(&right), "{refusal}");
    let watch = watch(&api, config_maps(None), ListOptions::default(), 5).await;
    assert_eq!(watch.map(drop).unwrap_err().code, 403);
}

pub(crate) async fn an_unknown_token_is_unauthorized_and_the_host_not_ready(server: Arc<Server>) {
    let yaml = server.admin_kubeconfig().await;
    let start = yaml.find("token: \"").unwrap() + "token: \"".len();
    let end = start + yaml[start..].find('"').unwrap();
    let api = server.connect(&format!("{}unknown{}", &yaml[..start], &yaml[end..]), false).await;
    let refusal = ask(&api, config_maps(None), KubeOperation::List(labelled("x"), Form::Object)).await.unwrap_err();
    assert_eq!((refusal.code, refusal.reason.as_str(), refusal.origin), (401, "Unauthorized", KubeOrigin::ApiServer));
    assert_eq!(api.reachable(Duration::from_secs(30)).await.unwrap_err().code, 401);
}

pub(crate) async fn d9_with_impersonation_the_caller_decides_and_nobody_is_anonymous(server: Arc<Server>) {
    let (name, _) = server.user(&[Rule::new("", &["configmaps"], &["list"]).in_namespaces(&["default"])]).await;
    let api = server.connect(&server.admin_kubeconfig().await, true).await;
    let list = |plural| (core(plural, None), KubeOperation::List(labelled("x"), Form::Object));
    let (target, operation) = list("configmaps");
    ask_for(&api, &name, target, operation).await.unwrap();
    let (target, operation) = list("secrets");
    let refusal = ask_for(&api, &name, target, operation).await.unwrap_err();
    assert!(refusal.code == 403 && refusal.message.contains(&format!("User \"{name}\"")), "{refusal}");
    let (target, operation) = list("configmaps");
    let refusal = api.send(request(target, operation)).await.unwrap_err();
    assert!(refusal.code == 403 && refusal.message.contains("system:anonymous"), "{refusal}");
    let (target, operation) = list("configmaps");
    let refusal = ask_for(&api, "system:admin", target, operation).await.unwrap_err();
    assert_eq!((refusal.code, refusal.origin), (0, KubeOrigin::Host));
}
