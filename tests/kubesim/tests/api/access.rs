//! Who may do what, and how a refusal reads.

use std::sync::Arc;

use kubesim::Rule;
use kubesim::client::{Answer, Client};
use serde_json::json;

use super::server::{Server, eventually, expect, refused};

const GROUP: &str = "postgresql.cnpg.io";

async fn get(client: &Client, path: &str) -> Answer {
    client.send("GET", path, &[], None).await.unwrap()
}

/// Rights that were just granted reach a real server's cache a moment later.
async fn granted(client: &Client, path: &str) -> Answer {
    eventually(path, async || Some(get(client, path).await).filter(|answer| answer.code != 403)).await
}

pub(crate) async fn an_unknown_token_is_unauthorized(server: Arc<Server>) {
    let stranger = server.admin.with_token("nobody-has-this");
    let status = refused(401, "Unauthorized", &get(&stranger, &server.cnpg("clusters")).await);
    assert_eq!(status["message"], "Unauthorized");
}

pub(crate) async fn a_refusal_names_the_missing_right(server: Arc<Server>) {
    let (name, user) = server.user(&[]).await;
    let namespace = &server.namespace;
    let cannot =
        |verb: &str, place: &str| format!(r#"User "{name}" cannot {verb} resource "clusters" in API group "{GROUP}" {place}"#);
    let status = refused(403, "Forbidden", &get(&user, &server.cnpg("clusters/db")).await);
    let place = format!(r#"in the namespace "{namespace}""#);
    assert_eq!(status["message"], format!(r#"clusters.{GROUP} "db" is forbidden: {}"#, cannot("get", &place)));
    let status = refused(403, "Forbidden", &get(&user, &format!("/apis/{GROUP}/v1/clusters")).await);
    assert_eq!(status["message"], format!("clusters.{GROUP} is forbidden: {}", cannot("list", "at the cluster scope")));
    let anonymous = server.admin.with_token("");
    let status = refused(403, "Forbidden", &get(&anonymous, &server.core("pods")).await);
    assert!(status["message"].as_str().unwrap().contains(r#"User "system:anonymous" cannot list"#), "{status}");
}

pub(crate) async fn rules_are_bound_to_namespaces_and_names(server: Arc<Server>) {
    server.cluster("db").await;
    let rule = Rule::new(GROUP, &["clusters"], &["get"]).in_namespaces(&[&server.namespace]).for_names(&["db"]);
    let (_, user) = server.user(&[rule]).await;
    assert_eq!(granted(&user, &server.cnpg("clusters/db")).await.code, 200);
    for path in [
        server.cnpg("clusters/other"),
        server.cnpg("clusters"),
        server.cnpg("clusters/db/status"),
        format!("/apis/{GROUP}/v1/namespaces/default/clusters/db"),
    ] {
        assert_eq!(get(&user, &path).await.code, 403, "{path}");
    }
}

pub(crate) async fn a_user_can_ask_what_it_may_do(server: Arc<Server>) {
    let rule = Rule::new(GROUP, &["clusters"], &["list"]).in_namespaces(&[&server.namespace]);
    let (_, user) = server.user(&[rule]).await;
    granted(&user, &server.cnpg("clusters")).await;
    let ask = |verb: &str| {
        let attributes = json!({"namespace": server.namespace, "verb": verb, "group": GROUP, "resource": "clusters"});
        json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}})
    };
    for (verb, allowed) in [("list", true), ("delete", false)] {
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let review = expect(201, &user.send("POST", path, &[], Some(&ask(verb))).await.unwrap());
        assert_eq!(review["status"]["allowed"], allowed, "{verb}");
    }
    let rules = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": server.namespace}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let review = expect(201, &user.send("POST", path, &[], Some(&rules)).await.unwrap());
    let has = |rule: &serde_json::Value| rule["resources"] == json!(["clusters"]) && rule["verbs"] == json!(["list"]);
    assert!(review["status"]["resourceRules"].as_array().unwrap().iter().any(has), "{review}");
}

pub(crate) async fn impersonation_needs_the_right_and_takes_the_rights(server: Arc<Server>) {
    server.cluster("db").await;
    let reads = Rule::new(GROUP, &["clusters"], &["get"]).in_namespaces(&[&server.namespace]);
    let (jane, jane_herself) = server.user(&[reads]).await;
    granted(&jane_herself, &server.cnpg("clusters/db")).await;
    let (_, nobody) = server.user(&[]).await;
    let header = [("impersonate-user", jane.as_str())];
    let path = server.cnpg("clusters/db");
    let answer = nobody.send("GET", &path, &header, None).await.unwrap();
    let status = refused(403, "Forbidden", &answer);
    assert!(status["message"].as_str().unwrap().contains(&format!(r#"users "{jane}" is forbidden"#)), "{status}");
    assert_eq!(server.admin.send("GET", &path, &header, None).await.unwrap().code, 200);
    let answer = server.admin.send("DELETE", &path, &header, None).await.unwrap();
    let status = refused(403, "Forbidden", &answer);
    assert!(status["message"].as_str().unwrap().contains(&format!(r#"User "{jane}" cannot delete"#)), "{status}");
    let groups = [("impersonate-user", "somebody"), ("impersonate-group", "system:masters")];
    assert_eq!(server.admin.send("GET", &path, &groups, None).await.unwrap().code, 200);
}
