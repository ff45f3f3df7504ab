//! What a bare API server lacks and the stand-in has: the operator, the collector, CNPG's webhook, newer checks.

use std::time::Duration;

use kubesim::client::Client;
use kubesim::{Kubesim, Options, example_cluster};
use serde_json::{Value, json};

use super::server::{MERGE, eventually, expect, refused};
use super::watches::Events;

const CLUSTERS: &str = "/apis/postgresql.cnpg.io/v1/namespaces/default/clusters";

fn start() -> (Kubesim, Client) {
    let sim = Kubesim::start(Options { operator_step: Some(Duration::from_millis(2)), ..Options::default() }).unwrap();
    let client = Client::new(sim.url(), "", None).unwrap();
    (sim, client)
}

async fn list(client: &Client, resource: &str) -> Vec<String> {
    let path = format!("/api/v1/namespaces/default/{resource}?labelSelector=cnpg.io/cluster%3Ddb");
    let list = expect(200, &client.send("GET", &path, &[], None).await.unwrap());
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

async fn healthy(sim: &Kubesim, instances: u64) -> Value {
    let is_well = |cluster: &Value| {
        cluster["status"]["phase"] == "Cluster in healthy state" && cluster["status"]["readyInstances"] == instances
    };
    eventually("a healthy cluster", async || sim.get("Cluster", "default", "db").filter(is_well)).await
}

#[tokio::test]
async fn the_operator_brings_a_cluster_up_step_by_step() {
    let (sim, client) = start();
    let mut events = Events::open(&client, &format!("{CLUSTERS}?watch=1")).await;
    sim.create(&example_cluster("default", "db", 3)).unwrap();
    let mut phases: Vec<String> = Vec::new();
    while phases.last().is_none_or(|phase| phase != "Cluster in healthy state") || phases.len() < 4 {
        let event = events.next().await.unwrap();
        let phase = event["object"]["status"]["phase"].as_str().unwrap_or_default().to_owned();
        if phases.last() != Some(&phase) {
            phases.push(phase);
        }
        if event["object"]["status"]["readyInstances"] == 3 {
            break;
        }
    }
    assert_eq!(phases, ["", "Setting up primary", "Creating a new replica", "Cluster in healthy state"]);
    assert_eq!(list(&client, "pods").await, ["db-1", "db-2", "db-3"]);
    assert_eq!(list(&client, "persistentvolumeclaims").await, ["db-1", "db-2", "db-3"]);
    assert_eq!(list(&client, "services").await, ["db-r", "db-ro", "db-rw"]);
    assert!(list(&client, "secrets").await.contains(&"db-app".to_owned()));
}

#[tokio::test]
async fn the_operator_scales_both_ways_and_the_collector_cleans_up() {
    let (sim, client) = start();
    sim.create(&example_cluster("default", "db", 2)).unwrap();
    healthy(&sim, 2).await;
    for instances in [3, 1] {
        let path = format!("{CLUSTERS}/db");
        expect(200, &client.send("PATCH", &path, &[MERGE], Some(&json!({"spec": {"instances": instances}}))).await.unwrap());
        let cluster = healthy(&sim, instances).await;
        assert_eq!(cluster["status"]["currentPrimary"], "db-1");
        assert_eq!(u64::try_from(list(&client, "pods").await.len()), Ok(instances));
    }
    sim.delete("Cluster", "default", "db").unwrap();
    for resource in ["pods", "persistentvolumeclaims", "services", "secrets"] {
        assert!(list(&client, resource).await.is_empty(), "{resource}");
    }
}

#[tokio::test]
async fn a_new_target_primary_is_a_switchover() {
    let (sim, client) = start();
    sim.create(&example_cluster("default", "db", 2)).unwrap();
    healthy(&sim, 2).await;
    sim.patch("Cluster", "default", "db", "status", &json!({"status": {"targetPrimary": "db-2"}})).unwrap();
    eventually("db-2 as primary", async || {
        sim.get("Cluster", "default", "db").filter(|cluster| cluster["status"]["currentPrimary"] == "db-2")
    })
    .await;
    let pod = sim.get("Pod", "default", "db-2").unwrap();
    assert_eq!(pod["metadata"]["labels"]["cnpg.io/instanceRole"], "primary");
    let path = "/api/v1/namespaces/default/pods/https:db-2:8000/proxy/pg/status";
    assert_eq!(expect(200, &client.send("GET", path, &[], None).await.unwrap())["isPrimary"], true);
}

#[tokio::test]
async fn databases_and_roles_are_applied_once_their_cluster_is_up() {
    let (sim, _client) = start();
    let database = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Database", "metadata": {"name": "shop", "namespace": "default"},
        "spec": {"cluster": {"name": "db"}, "name": "shop", "owner": "app"}});
    sim.create(&database).unwrap();
    sim.create(&example_cluster("default", "db", 1)).unwrap();
    eventually("an applied database", async || {
        sim.get("Database", "default", "shop").filter(|found| found["status"]["applied"] == true)
    })
    .await;
}

#[tokio::test]
async fn a_new_password_of_a_role_is_applied_and_its_version_told() {
    let (sim, _client) = start();
    let metadata = json!({"name": "shop", "namespace": "default"});
    let role = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "DatabaseRole", "metadata": metadata,
        "spec": {"cluster": {"name": "db"}, "name": "shop", "passwordSecret": {"name": "shop"}}});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"password": "YQ=="}});
    sim.create(&role).unwrap();
    sim.create(&example_cluster("default", "db", 1)).unwrap();
    let mut written = sim.create(&secret).unwrap();
    for _ in 0..2 {
        let version = written["metadata"]["resourceVersion"].clone();
        eventually("the version of the Secret in the role's status", async || {
            let found = sim.get("DatabaseRole", "default", "shop")?;
            (found["status"]["secretResourceVersion"] == version && found["status"]["applied"] == true).then_some(found)
        })
        .await;
        written = sim.patch("Secret", "default", "shop", "", &json!({"data": {"password": "Yg=="}})).unwrap();
    }
}

#[tokio::test]
async fn logs_and_proxied_paths_are_served() {
    let (sim, client) = start();
    sim.create(&example_cluster("default", "db", 1)).unwrap();
    healthy(&sim, 1).await;
    sim.set_pod_log("default", "db-1", "one\ntwo\n");
    let pod = "/api/v1/namespaces/default/pods/db-1/log";
    let log = client.send("GET", &format!("{pod}?container=postgres&tailLines=1"), &[], None).await.unwrap();
    assert_eq!((log.code, log.text.as_str()), (200, "two\n"));
    refused(400, "BadRequest", &client.send("GET", &format!("{pod}?container=none"), &[], None).await.unwrap());
    sim.set_proxied("default/services/db-rw:9187/metrics", 200, &json!({"up": 1}));
    let path = "/api/v1/namespaces/default/services/db-rw:9187/proxy/metrics";
    assert_eq!(expect(200, &client.send("GET", path, &[], None).await.unwrap()), json!({"up": 1}));
}

#[tokio::test]
async fn the_webhook_denies_and_warns_in_its_own_words() {
    let (sim, client) = start();
    let long = "a".repeat(51);
    let answer =
        client.send("POST", &format!("{CLUSTERS}?dryRun=All"), &[], Some(&example_cluster("default", &long, 1))).await.unwrap();
    let status = refused(422, "Invalid", &answer);
    assert!(
        status["message"].as_str().unwrap().starts_with(r#"admission webhook "vcluster.cnpg.io" denied the request: "#),
        "{status}"
    );
    assert_eq!(status["details"]["causes"][0]["field"], "metadata.name");
    sim.create(&example_cluster("default", "db", 1)).unwrap();
    let shrink = json!({"spec": {"storage": {"size": "500Mi"}}});
    let answer = client.send("PATCH", &format!("{CLUSTERS}/db"), &[MERGE], Some(&shrink)).await.unwrap();
    assert!(
        refused(422, "Invalid", &answer)["message"].as_str().unwrap().contains("can't shrink existing storage from 1Gi to 500Mi")
    );
    let in_tree = json!({"spec": {"backup": {"barmanObjectStore": {"destinationPath": "s3://x"}}}});
    let answer = client.send("PATCH", &format!("{CLUSTERS}/db?dryRun=All"), &[MERGE], Some(&in_tree)).await.unwrap();
    expect(200, &answer);
    assert!(answer.headers["warning"].to_str().unwrap().starts_with("299 - \"Native support for Barman"), "{:?}", answer.headers);
}

#[tokio::test]
async fn strict_validation_and_rules_refuse_as_newer_servers_do() {
    let (sim, client) = start();
    let mut extra = example_cluster("default", "db", 1);
    extra["spec"]["nonsense"] = json!(1);
    let strict = client.send("POST", &format!("{CLUSTERS}?fieldValidation=Strict"), &[], Some(&extra)).await.unwrap();
    assert!(
        refused(400, "BadRequest", &strict)["message"]
            .as_str()
            .unwrap()
            .contains(r#"strict decoding error: unknown field "spec.nonsense""#)
    );
    let warned = client.send("POST", CLUSTERS, &[], Some(&extra)).await.unwrap();
    assert_eq!((warned.code, warned.headers["warning"].to_str().unwrap()), (201, r#"299 - "unknown field \"spec.nonsense\"""#));
    let both = json!({"spec": {"imageName": "pg:17", "imageCatalogRef": {"apiGroup": "postgresql.cnpg.io", "kind": "ImageCatalog", "name": "c", "major": 17}}});
    let answer = client.send("PATCH", &format!("{CLUSTERS}/db"), &[MERGE], Some(&both)).await.unwrap();
    assert!(
        refused(422, "Invalid", &answer)["message"]
            .as_str()
            .unwrap()
            .contains("imageName and imageCatalogRef are mutually exclusive")
    );
    sim.remove_crd("databaseroles.postgresql.cnpg.io").unwrap();
    assert_eq!(client.send("GET", "/apis/postgresql.cnpg.io/v1/databaseroles", &[], None).await.unwrap().code, 404);
}

#[tokio::test]
async fn the_demo_has_healthy_clusters_and_one_that_is_stuck() {
    let sim =
        Kubesim::start(Options { demo: true, operator_step: Some(Duration::from_millis(2)), ..Options::default() }).unwrap();
    let phase = |name: &str| {
        sim.get("Cluster", "demo", name).map(|cluster| cluster["status"]["phase"].as_str().unwrap_or_default().to_owned())
    };
    for (name, wanted) in [
        ("orders", "Cluster in healthy state"),
        ("inventory", "Cluster in healthy state"),
        ("reports", "Unable to create required cluster objects"),
    ] {
        eventually(name, async || phase(name).filter(|phase| phase == wanted)).await;
    }
    assert!(sim.kubeconfig_yaml("me").contains(sim.url()));
}

/// The next state of the cluster that this finds something in.
async fn seen<T>(events: &mut Events, find: impl Fn(&Value) -> Option<T>) -> T {
    loop {
        if let Some(found) = find(&events.next().await.unwrap()["object"]) {
            return found;
        }
    }
}

#[tokio::test]
async fn the_operator_applies_roles_of_the_cluster_in_two_steps_and_forgets_those_that_are_gone() {
    let (sim, client) = start();
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db-ann", "namespace": "default"}, "data": {}});
    let version = sim.create(&secret).unwrap()["metadata"]["resourceVersion"].clone();
    sim.create(&example_cluster("default", "db", 1)).unwrap();
    healthy(&sim, 1).await;
    let mut events = Events::open(&client, &format!("{CLUSTERS}?watch=1")).await;
    let of = |cluster: &Value| cluster["status"]["managedRolesStatus"].clone();
    for ensure in ["present", "absent"] {
        let role = json!({"name": "ann", "ensure": ensure, "passwordSecret": {"name": "db-ann"}});
        sim.patch("Cluster", "default", "db", "", &json!({"spec": {"managed": {"roles": [role]}}})).unwrap();
        let pending = |it: &Value| (of(it)["byStatus"] == json!({"pending-reconciliation": ["ann"]})).then_some(());
        seen(&mut events, pending).await;
        let done = seen(&mut events, |it| Some(of(it)).filter(|it| it["byStatus"] == json!({"reconciled": ["ann"]}))).await;
        assert_eq!(done["passwordStatus"]["ann"]["resourceVersion"], version);
    }
    sim.patch("Cluster", "default", "db", "", &json!({"spec": {"managed": null}})).unwrap();
    seen(&mut events, |it| (of(it)["byStatus"] == json!({}) && of(it)["passwordStatus"] == json!({})).then_some(())).await;
}

#[tokio::test]
async fn a_pooler_runs_once_its_cluster_is_up() {
    let (sim, _client) = start();
    let pooler = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Pooler", "metadata": {"name": "pool", "namespace": "default"},
        "spec": {"cluster": {"name": "db"}, "instances": 3, "type": "rw", "pgbouncer": {"poolMode": "session"}},
    });
    sim.create(&pooler).unwrap();
    sim.create(&example_cluster("default", "db", 1)).unwrap();
    eventually("the pooler", async || sim.get("Pooler", "default", "pool").filter(|it| it["status"]["instances"] == 3)).await;
    assert!(!sim.get("Cluster", "default", "db").unwrap()["status"]["currentPrimary"].is_null());
}

#[tokio::test]
async fn the_operator_puts_a_cluster_to_sleep_and_wakes_it_on_the_same_volumes() {
    let (sim, _client) = start();
    sim.create(&example_cluster("default", "db", 2)).unwrap();
    healthy(&sim, 2).await;
    let volume = || sim.get("PersistentVolumeClaim", "default", "db-2").unwrap()["metadata"]["uid"].clone();
    let before = volume();
    let annotate = |value: Value| json!({"metadata": {"annotations": {"cnpg.io/hibernation": value}}});
    sim.patch("Cluster", "default", "db", "", &annotate(json!("on"))).unwrap();
    let conditions = || sim.get("Cluster", "default", "db").unwrap()["status"]["conditions"].clone();
    let sleeps = || conditions().as_array().is_some_and(|all| all.iter().any(|it| it["reason"] == "Hibernated"));
    eventually("sleep", async || sleeps().then_some(())).await;
    assert!(sim.get("Pod", "default", "db-1").is_none() && sim.get("Pod", "default", "db-2").is_none());
    sim.patch("Cluster", "default", "db", "", &annotate(json!("off"))).unwrap();
    healthy(&sim, 2).await;
    assert!(!sleeps() && volume() == before);
    assert_eq!(sim.get("Pod", "default", "db-1").unwrap()["metadata"]["labels"]["role"], "primary");
}
