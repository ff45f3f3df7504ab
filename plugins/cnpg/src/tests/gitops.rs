//! What Argo CD or Flux owns.

use serde_json::json;

use crate::fake::{Fake, cluster};
use crate::settings::Gitops;

fn owned() -> Fake {
    let mut object = cluster("default", "db", 3);
    object["kind"] = json!("Cluster");
    object["metadata"]["labels"] = json!({"argocd.argoproj.io/instance": "shop"});
    object["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"});
    Fake::new().with("clusters", object)
}

#[test]
fn an_object_that_argo_owns_is_not_edited_and_the_manifest_to_commit_is_the_answer() {
    let fake = owned();
    let answer = fake.answer("scale_postgres_cluster", json!({"name": "db", "instances": 5}));
    assert!(answer.is_error && answer.structured["reason"] == "GitOpsManaged", "{}", answer.text);
    assert!(answer.text.contains("instances: 5") && !answer.text.contains("resourceVersion"), "{}", answer.text);
    assert!(!answer.text.contains("last-applied"), "{}", answer.text);
    assert!(fake.made("patch").is_empty());
}

#[test]
fn the_operator_may_allow_live_edits_and_the_answer_warns() {
    let fake = owned();
    fake.settings.borrow_mut().gitops = Gitops::Warn;
    let answer = fake.answer("scale_postgres_cluster", json!({"name": "db", "instances": 5}));
    assert!(!answer.is_error && answer.text.contains("Argo CD"), "{}", answer.text);
    assert_eq!(fake.made("patch").len(), 1);
}

#[test]
fn an_object_that_a_gitops_controller_wrote_is_its_own_without_a_label() {
    let mut object = cluster("default", "db", 3);
    object["metadata"]["managedFields"] = json!([{"manager": "kubectl"}, {"manager": "kustomize-controller"}]);
    let fake = Fake::new().with("clusters", object);
    let answer = fake.answer("scale_postgres_cluster", json!({"name": "db", "instances": 5}));
    assert!(answer.structured["reason"] == "GitOpsManaged" && answer.text.contains("Flux"), "{}", answer.text);
}

#[test]
fn only_marks_that_the_tools_themselves_set_count() {
    let mut object = cluster("default", "db", 3);
    object["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by-argocd": "true", "app.kubernetes.io/instance": "shop"});
    let fake = Fake::new().with("clusters", object);
    assert!(!fake.answer("scale_postgres_cluster", json!({"name": "db", "instances": 5})).is_error);
}
