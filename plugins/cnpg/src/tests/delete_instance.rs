//! delete_cluster_instance.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::fake::{Fake, Request, cluster, pod, status};
use crate::json::merged;

const TOOL: &str = "delete_cluster_instance";

fn claim(name: &str, instance: &str, owned: bool) -> Value {
    let owners = if owned { json!([{"kind": "Cluster", "name": "db", "uid": "uid-db"}]) } else { json!([]) };
    json!({"metadata": {"name": name, "namespace": "default", "uid": format!("uid-pvc-{name}"), "resourceVersion": "7",
        "labels": {"cnpg.io/cluster": "db", "cnpg.io/instanceName": instance}, "ownerReferences": owners}})
}

fn job(name: &str, owned: bool) -> Value {
    merged(&claim(name, "db-2", owned), &json!({"metadata": {"uid": format!("uid-job-{name}")}}))
}

/// Three instances; `old`: of an operator that does not know the annotation yet.
fn furnished(old: bool, change: impl Fn(&mut Value)) -> Fake {
    let mut one = cluster("default", "db", 3);
    change(&mut one);
    let version = if old { "1.27.3" } else { "1.28.0" };
    let made_by = json!({"metadata": {"annotations": {"cnpg.io/operatorVersion": version}}});
    let fake = Fake::new()
        .with("clusters", one)
        .with("pods", merged(&pod("db-1", "primary"), &made_by))
        .with("pods", merged(&pod("db-2", "replica"), &made_by))
        .with("pods", merged(&pod("db-3", "replica"), &made_by))
        .with("persistentvolumeclaims", claim("db-1", "db-1", true))
        .with("persistentvolumeclaims", claim("db-2", "db-2", true))
        .with("persistentvolumeclaims", claim("db-2-wal", "db-2", true))
        .with("persistentvolumeclaims", claim("db-2-mine", "db-2", false))
        .with("jobs", job("db-2-join", true))
        .with("jobs", job("somebody-elses", false));
    if old { fake.without(&["databaseroles"]) } else { fake }
}

fn confirmed() -> Value {
    json!({"name": "db", "instance": "db-2", "confirm_deletion": true, "confirm_name": "db-2"})
}

fn writes(fake: &Fake) -> Vec<Request> {
    fake.requests().into_iter().filter(|one| ["patch", "delete"].contains(&one.verb)).collect()
}

fn reason(answer: &Answer) -> &str {
    answer.structured["reason"].as_str().unwrap_or_default()
}

#[test]
fn since_1_28_the_operator_is_asked_by_one_annotation() {
    let fake = furnished(false, |_| ());
    let answer = fake.answer(TOOL, confirmed());
    let made = writes(&fake);
    assert_eq!((made.len(), made[0].plural.as_str(), made[0].name.as_deref()), (1, "pods", Some("db-2")));
    let metadata = json!({"resourceVersion": "5", "annotations": {"alpha.cnpg.io/unrecoverable": "true"}});
    assert_eq!(made[0].body, json!({"metadata": metadata}));
    assert_eq!((&answer.structured["method"], &answer.structured["deleted"]), (&json!("annotation"), &json!(true)));
}

#[test]
fn an_older_pod_beside_a_newer_operator_is_told_by_the_kinds_it_serves() {
    let fake = furnished(true, |_| ());
    assert_eq!(fake.answer(TOOL, confirmed()).structured["method"], "delete");
    let mut unmarked = pod("db-2", "replica");
    unmarked["metadata"]["annotations"] = json!({"cnpg.io/operatorVersion": "1.26.0"});
    let fake = Fake::new()
        .with("clusters", cluster("default", "db", 3))
        .with("pods", pod("db-1", "primary"))
        .with("pods", unmarked)
        .with("pods", pod("db-3", "replica"));
    assert_eq!(fake.answer(TOOL, confirmed()).structured["method"], "annotation");
}

#[test]
fn d6_before_1_28_pod_jobs_and_claims_go_fenced_and_only_the_clusters_own() {
    let fake = furnished(true, |_| ());
    let answer = fake.answer(TOOL, confirmed());
    let gone: Vec<(String, String)> =
        fake.made("delete").into_iter().map(|one| (one.plural, one.name.unwrap_or_default())).collect();
    let named = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    assert_eq!(
        gone,
        [
            named("pods", "db-2"),
            named("jobs", "db-2-join"),
            named("persistentvolumeclaims", "db-2"),
            named("persistentvolumeclaims", "db-2-wal")
        ]
    );
    for one in fake.made("delete") {
        let fences = one.delete.unwrap();
        assert!(fences.uid.is_some() && fences.resource_version.is_some(), "{:?}", one.name);
    }
    assert!(answer.text.contains("db-2-mine is not the cluster's own and stays"), "{}", answer.text);
}

#[test]
fn d6_the_last_healthy_replica_stays() {
    let fake = furnished(true, |one| one["metadata"]["annotations"] = json!({"cnpg.io/fencedInstances": "[\"db-3\"]"}));
    let answer = fake.answer(TOOL, confirmed());
    assert_eq!(reason(&answer), "LastReplica");
    assert!(writes(&fake).is_empty() && answer.text.contains("scale_postgres_cluster"));
}

#[test]
fn d6_a_broken_replica_may_go_even_if_it_is_the_only_one() {
    let broken = merged(&pod("db-2", "replica"), &json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}));
    let fake =
        Fake::new().with("clusters", cluster("default", "db", 2)).with("pods", pod("db-1", "primary")).with("pods", broken);
    let answer = fake.answer(TOOL, confirmed());
    assert!(!answer.is_error, "{}", answer.text);
}

#[test]
fn d6_the_primary_and_a_replica_of_a_broken_primary_stay() {
    let fake = furnished(true, |_| ());
    let answer = fake.answer(TOOL, json!({"name": "db", "instance": "db-1", "confirm_name": "db-1"}));
    assert_eq!((reason(&answer), writes(&fake).len()), ("IsPrimary", 0));
    let broken = furnished(true, |one| one["metadata"]["annotations"] = json!({"cnpg.io/fencedInstances": "[\"db-1\"]"}));
    assert_eq!(reason(&broken.answer(TOOL, confirmed())), "PrimaryUnhealthy");
    let moving = furnished(true, |one| one["status"]["targetPrimary"] = json!("db-2"));
    assert_eq!(reason(&moving.answer(TOOL, confirmed())), "PrimaryMoving");
    assert!(writes(&broken).is_empty() && writes(&moving).is_empty());
}

#[test]
fn a_standby_that_synchronous_writes_need_stays() {
    let sync = |durability: &'static str| {
        move |one: &mut Value| {
            one["spec"]["postgresql"] = json!({"synchronous": {"method": "any", "number": 2, "dataDurability": durability}});
        }
    };
    let answer = furnished(false, sync("required")).answer(TOOL, confirmed());
    assert_eq!(reason(&answer), "SynchronousReplication");
    let answer = furnished(false, sync("preferred")).answer(TOOL, confirmed());
    assert!(!answer.is_error && answer.text.contains("wants 2 standbys"), "{}", answer.text);
}

#[test]
fn d1_only_a_confirmed_call_deletes() {
    for arguments in [
        json!({"name": "db", "instance": "db-2"}),
        json!({"name": "db", "instance": "db-2", "confirm_deletion": true}),
        json!({"name": "db", "instance": "db-2", "confirm_deletion": false, "confirm_name": "db-2"}),
        json!({"name": "db", "instance": "db-2", "confirm_deletion": true, "confirm_name": "db"}),
    ] {
        let fake = furnished(true, |_| ());
        let answer = fake.answer(TOOL, arguments.clone());
        assert!(answer.is_error && writes(&fake).is_empty(), "{arguments}");
    }
}

#[test]
fn the_human_is_asked_with_what_goes_and_what_stays() {
    let fake = furnished(true, |_| ());
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let question = fake.question(TOOL, confirmed());
    let message = question.params["message"].as_str().unwrap();
    assert!(message.contains("db-2, db-2-wal") && message.contains("the primary (db-1)"), "{message}");
    assert!(writes(&fake).is_empty() && question.state == json!({"uid": "uid-db-2"}));
}

#[test]
fn a_dry_run_is_the_servers_for_each_part() {
    let fake = furnished(true, |_| ());
    let answer = fake.answer(TOOL, json!({"name": "db", "instance": "2", "dry_run": true}));
    assert!(writes(&fake).len() == 4 && writes(&fake).iter().all(|one| one.dry_run));
    assert!(answer.structured["deleted"] == false && answer.text.contains("would be deleted"));
}

#[test]
fn kept_claims_are_detached_as_kubectl_cnpg_does_it() {
    let fake = furnished(false, |_| ());
    let answer = fake.answer(TOOL, merged(&confirmed(), &json!({"keep_pvc": true})));
    let patches = fake.made("patch");
    assert_eq!(patches.iter().map(|one| one.name.as_deref().unwrap()).collect::<Vec<_>>(), ["db-2", "db-2-wal"]);
    let metadata = &patches[1].body["metadata"];
    assert_eq!((&metadata["ownerReferences"], &metadata["resourceVersion"]), (&json!([]), &json!("7")));
    assert_eq!(metadata["annotations"], json!({"cnpg.io/pvcStatus": "detached"}));
    assert_eq!(metadata["labels"], json!({"cnpg.io/instanceName": "db-2"}));
    assert_eq!(answer.structured["method"], "detach");
    assert!(fake.made("delete").iter().all(|one| one.plural != "persistentvolumeclaims"));
}

#[test]
fn a_pod_written_in_between_is_looked_at_again_and_one_that_became_primary_stays() {
    let fake = furnished(true, |_| ());
    *fake.meanwhile.borrow_mut() = Some(merged(&pod("db-2", "replica"), &json!({"metadata": {"resourceVersion": "6"}})));
    let answer = fake.answer(TOOL, confirmed());
    assert!(!answer.is_error, "{}", answer.text);
    let pods: Vec<Request> = fake.made("delete").into_iter().filter(|one| one.plural == "pods").collect();
    assert_eq!((pods.len(), pods[1].delete.clone().unwrap().resource_version.as_deref()), (2, Some("6")));
    let other = furnished(true, |_| ());
    *other.meanwhile.borrow_mut() = Some(merged(&pod("db-2", "replica"), &json!({"metadata": {"uid": "uid-of-the-next"}})));
    assert_eq!(reason(&other.answer(TOOL, confirmed())), "Replaced");
}

#[test]
fn a_claim_that_cannot_be_deleted_is_told_as_an_error() {
    let refused = status(403, "Forbidden", "User \"x\" cannot delete resource \"persistentvolumeclaims\"");
    let fake = furnished(true, |_| ()).failing("delete", "persistentvolumeclaims", 1, refused);
    let answer = fake.answer(TOOL, confirmed());
    assert!(answer.is_error && answer.text.contains("could not be changed"), "{}", answer.text);
    assert_eq!(answer.structured["parts"][2]["fate"], "failed");
}

#[test]
fn what_is_not_an_instance_is_not_deleted() {
    let fake = furnished(true, |_| ());
    let answer = fake.answer(TOOL, json!({"name": "db", "instance": "db-9", "confirm_name": "db-9"}));
    assert!(answer.is_error && answer.text.contains("it has db-1, db-2, db-3") && writes(&fake).is_empty());
}
