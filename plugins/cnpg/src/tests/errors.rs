//! Every way in which the API server can refuse, seen by a caller.

use portcullis_plugin::kubernetes::Status;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::{Call, Context};
use crate::fake::{Fake, invalid, status};
use crate::kind::POOLERS;
use crate::settings::Settings;

fn reading(refusal: Status) -> Answer {
    let answer = Fake::new().failing("get", "clusters", 1, refusal).answer("get_cluster_status", json!({"name": "db"}));
    assert!(answer.is_error);
    answer
}

fn creating(refusal: Status) -> Answer {
    let answer = Fake::new().failing("create", "clusters", 1, refusal).answer("create_postgres_cluster", json!({"name": "db"}));
    assert!(answer.is_error);
    answer
}

#[test]
fn d22_an_error_is_an_error_with_its_place_and_its_next_step() {
    let answer = Fake::new().answer("get_cluster_status", json!({"name": "db"}));
    assert!(answer.is_error);
    assert_eq!((&answer.structured["code"], &answer.structured["reason"]), (&json!(404), &json!("NotFound")));
    assert!(answer.text.contains("`db` in namespace `default`"), "{}", answer.text);
    assert_eq!(answer.structured["next_tools"], json!(["list_postgres_clusters"]));
}

#[test]
fn a_missing_rbac_rule_is_printed_as_a_role() {
    let answer = reading(status(
        403,
        "Forbidden",
        "clusters.postgresql.cnpg.io \"db\" is forbidden: User \"x\" cannot get resource \"clusters\"",
    ));
    let rule: Value = serde_saphyr::from_str(answer.structured["missing_rule"].as_str().unwrap()).unwrap();
    assert_eq!(rule["kind"], "Role");
    assert_eq!(rule["rules"], json!([{"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters"], "verbs": ["get"]}]));
    assert!(answer.text.contains("```yaml\napiVersion: rbac.authorization.k8s.io/v1\n"));
}

#[test]
fn a_missing_grant_is_printed_as_the_host_wrote_it() {
    let rule =
        "- apiGroups: [\"postgresql.cnpg.io\"]\n  resources: [\"clusters\"]\n  verbs: [\"get\"]\n  namespaces: [\"default\"]";
    let words =
        "the grant of plugin `pg` does not cover `get` on `clusters`; to allow it, add under plugins.pg.grants.kubernetes.rules:";
    let answer = reading(Status { origin: "grant".into(), ..status(403, "Forbidden", &format!("{words}\n{rule}")) });
    assert_eq!(answer.structured["missing_rule"], rule);
    assert!(answer.text.contains(words) && answer.text.contains(&format!("```yaml\n{rule}\n```")), "{}", answer.text);
    assert_eq!(answer.text.matches("apiGroups").count(), 1);
}

#[test]
fn an_admission_refusal_is_not_taken_for_rbac() {
    let answer = creating(status(403, "Forbidden", "admission webhook \"policy\" denied the request: no public images"));
    assert_eq!(answer.structured["missing_rule"], Value::Null);
    assert!(answer.text.contains("no public images") && answer.text.contains("not RBAC"));
}

#[test]
fn listing_everywhere_without_permission_suggests_one_namespace() {
    let fake = Fake::new().failing("list", "clusters", 1, status(403, "Forbidden", "User \"x\" cannot list resource"));
    let answer = fake.answer("list_postgres_clusters", json!({"all_namespaces": true}));
    assert!(answer.text.contains("kind: ClusterRole") && answer.text.contains("one `namespace`"));
}

#[test]
fn each_refusal_says_whether_to_try_again_and_what_to_do() {
    let cases = [
        (status(401, "Unauthorized", "Unauthorized"), false, "credentials"),
        (status(404, "NotFound", "the server could not find the requested resource"), false, "not installed"),
        (status(410, "Expired", "too old"), true, "without `cursor`"),
        (status(429, "TooManyRequests", "slow down"), true, "wait"),
        (status(500, "InternalError", "boom"), true, "Try again shortly"),
        (status(503, "ServiceUnavailable", "down"), true, "Try again shortly"),
        (status(0, "Timeout", "no answer within 30 s"), true, "did not answer in time"),
        (status(0, "Unreachable", "connection refused"), true, "cannot be reached"),
        (status(0, "Unconfigured", "no cluster"), false, "knows no cluster"),
        (status(0, "TooLarge", "8 MiB"), false, "ask for less"),
        (status(0, "SomethingNew", "?"), true, "no usable answer"),
    ];
    for (refusal, retryable, words) in cases {
        let name = refusal.reason.clone();
        let answer = reading(refusal);
        assert_eq!(answer.structured["retryable"], retryable, "{name}");
        assert!(answer.structured["hint"].as_str().unwrap().contains(words), "{name}: {}", answer.text);
        assert_eq!(answer.structured["reason"], name.as_str());
    }
}

#[test]
fn a_write_without_an_answer_is_not_called_undone() {
    let answer = creating(status(0, "Timeout", "no answer"));
    assert!(answer.text.contains("is not known") && answer.structured["next_tools"] == json!(["get_cluster_status"]));
    assert!(!reading(status(0, "Timeout", "no answer")).text.contains("is not known"));
}

#[test]
fn what_exists_already_is_not_called_a_conflict_of_writes() {
    let answer = creating(status(409, "AlreadyExists", "clusters \"db\" already exists"));
    assert_eq!(answer.structured["retryable"], false);
    assert!(answer.text.contains("exists already"));
}

#[test]
fn a_missing_namespace_and_a_dead_webhook_are_told_by_name() {
    assert!(creating(status(404, "NotFound", "namespaces \"x\" not found")).text.contains("namespace does not exist"));
    let dead = creating(status(500, "InternalError", "failed calling webhook \"vcluster.cnpg.io\": connection refused"));
    assert!(dead.text.contains("its operator is running") && dead.structured["retryable"] == true);
}

#[test]
fn patience_that_the_server_asks_for_is_passed_on() {
    let answer = reading(Status { retry_after_ms: Some(2500), ..status(429, "TooManyRequests", "slow down") });
    assert_eq!(answer.structured["retry_after_ms"], 2500);
    assert!(answer.text.contains("3 s of patience"));
}

#[test]
fn a_server_without_cloudnativepg_is_told_from_a_missing_namespace() {
    let unknown = || status(404, "NotFound", "the server does not know this API group, version or resource (404 page not found)");
    assert!(creating(unknown()).text.contains("not installed there"));
    let fake = Fake::new().failing("list", "clusters", 1, status(404, "NotFound", "?"));
    assert!(fake.answer("list_postgres_clusters", json!({})).text.contains("not installed there"));
}

#[test]
fn fields_that_another_manager_applies_are_named_and_not_worth_another_try() {
    let refusal = |message: &str, cause: Option<&str>| {
        let mut refusal = status(409, "Conflict", message);
        refusal.causes = cause.map(|one| invalid(".spec.type", one).causes).unwrap_or_default();
        let fake = Fake::new().failing("apply", "poolers", 1, refusal);
        let (context, settings) = (Context::default(), Settings::default());
        let call = Call { api: &fake, host: &fake, context: &context, settings: &settings };
        call.apply_secret(&POOLERS.within("default").named("pgbouncer"), &json!({}), false).unwrap_err()
    };
    let told = "Apply failed with 1 conflict: conflict with \"kustomize-controller\" using postgresql.cnpg.io/v1: .spec.type";
    for problem in [refusal(told, None), refusal("Apply failed with 1 conflict", Some("conflict with \"kustomize-controller\""))]
    {
        assert_eq!((&*problem.reason, problem.retryable), ("GitOpsManaged", false));
        assert!(problem.hint.contains("`kustomize-controller`"), "{}", problem.hint);
    }
    assert!(refusal("Apply failed with 2 conflicts", None).hint.contains("another manager"));
    let moved = refusal("the object has been modified", None);
    assert_eq!((&*moved.reason, moved.retryable), ("Conflict", true));
}
