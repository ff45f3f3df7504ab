//! Work on a cluster that runs, through the whole host: databases, poolers, backups, fencing, hibernation and parameters. The stand-in's
//! operator applies what it can; the rest is looked for where CloudNativePG would.

use kubesim::{Kubesim, Options};
use portcullis_tests::host::Host;
use serde_json::{Value, json};

use crate::serve_rig::{Client, admin, done};

fn start() -> (Kubesim, Host, Client) {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    let host = admin(&kubesim);
    let client = Client::new(host.url());
    (kubesim, host, client)
}

fn orders(kubesim: &Kubesim) -> Value {
    kubesim.get("Cluster", "demo", "orders").unwrap()
}

#[test]
fn a_database_is_declared_applied_and_dropped() {
    let (kubesim, _host, client) = start();
    let database = |more: Value| {
        let mut arguments = json!({"cluster_name": "orders", "database_name": "Books & more", "wait": true, "timeout": 20});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let made = done(&client, "create_postgres_database", database(json!({"owner": "app"})));
    assert_eq!(made["wait"]["outcome"], "applied", "{made}");
    let object = made["crd_name"].as_str().unwrap();
    assert_eq!(kubesim.get("Database", "demo", object).unwrap()["spec"]["name"], "Books & more");
    let refused = json!({"status": {"applied": false, "observedGeneration": 1, "message": "role \"app\" does not exist"}});
    kubesim.patch("Database", "demo", object, "status", &refused).unwrap();
    let asked = json!({"cluster_name": "orders", "database_name": "Books & more"});
    let told = client.call("get_postgres_database_status", &asked).to_string();
    assert!(told.contains("does not exist"), "{told}");
    let unconfirmed = client.call("delete_postgres_database", &database(json!({"drop": true})));
    assert_eq!(unconfirmed["structuredContent"]["reason"], "ConfirmationRequired", "{unconfirmed}");
    done(&client, "delete_postgres_database", database(json!({"drop": true, "confirm_name": "Books & more"})));
    assert!(kubesim.get("Database", "demo", object).is_none(), "it is still declared");
}

#[test]
fn a_pooler_is_made_paused_resumed_and_removed() {
    let (kubesim, _host, client) = start();
    let pooler = || kubesim.get("Pooler", "demo", "orders-pool");
    done(&client, "set_pooler", json!({"name": "orders-pool", "cluster_name": "orders", "pool_mode": "transaction"}));
    assert_eq!(pooler().unwrap()["spec"]["pgbouncer"]["poolMode"], "transaction");
    for (tool, paused) in [("pause_pooler", true), ("resume_pooler", false)] {
        done(&client, tool, json!({"name": "orders-pool"}));
        assert_eq!(pooler().unwrap()["spec"]["pgbouncer"]["paused"], paused);
    }
    let waited = done(&client, "wait_for", json!({"kind": "pooler", "name": "orders-pool", "timeout": 20}));
    assert_eq!(waited["met"], true, "{waited}");
    assert_eq!(done(&client, "list_poolers", json!({"cluster_name": "orders"}))["count"], 1);
    done(&client, "delete_pooler", json!({"name": "orders-pool", "confirm_name": "orders-pool"}));
    assert!(pooler().is_none());
}

#[test]
fn a_backup_is_followed_until_it_is_completed() {
    let (kubesim, _host, client) = start();
    let unconfigured = client.call("create_backup", &json!({"cluster": "orders"}));
    assert_eq!(unconfigured["isError"], true, "{unconfigured}");
    let snapshots = json!({"spec": {"backup": {"volumeSnapshot": {"className": "standard"}}}});
    kubesim.patch("Cluster", "demo", "orders", "", &snapshots).unwrap();
    let taken = done(&client, "create_backup", json!({"cluster": "orders", "name": "evening", "wait": true, "timeout": 20}));
    assert!(taken.to_string().contains("completed"), "{taken}");
    assert_eq!(done(&client, "list_backups", json!({"cluster": "orders", "phase": "completed"}))["count"], 1);
}

#[test]
fn instances_are_fenced_clusters_sleep_and_parameters_change_where_the_operator_looks() {
    let (kubesim, _host, client) = start();
    let annotation = |name: &str| orders(&kubesim)["metadata"]["annotations"][name].clone();
    done(&client, "fence_instances", json!({"name": "orders", "instances": ["2"]}));
    assert_eq!(annotation("cnpg.io/fencedInstances"), "[\"orders-2\"]");
    done(&client, "unfence_instances", json!({"name": "orders", "instances": ["2"]}));
    assert!(!annotation("cnpg.io/fencedInstances").to_string().contains("orders-2"));
    done(&client, "set_parameters", json!({"name": "orders", "set": {"work_mem": "16MB"}}));
    assert_eq!(orders(&kubesim)["spec"]["postgresql"]["parameters"]["work_mem"], "16MB");
    let fixed = client.call("set_parameters", &json!({"name": "orders", "set": {"archive_command": "true"}}));
    assert_eq!(fixed["isError"], true, "{fixed}");
    let unconfirmed = client.call("hibernate_cluster", &json!({"name": "orders", "confirm": true}));
    assert_eq!(unconfirmed["structuredContent"]["reason"], "ConfirmationRequired", "{unconfirmed}");
    let asleep = done(&client, "hibernate_cluster", json!({"name": "orders", "confirm_name": "orders", "wait": true}));
    assert_eq!((annotation("cnpg.io/hibernation"), &asleep["wait"]["outcome"]), (json!("on"), &json!("ready")), "{asleep}");
    assert!(
        kubesim.get("Pod", "demo", "orders-1").is_none() && kubesim.get("PersistentVolumeClaim", "demo", "orders-1").is_some()
    );
    let awake = done(&client, "resume_cluster", json!({"name": "orders", "wait": true}));
    assert_eq!(
        (awake["wait"]["outcome"].clone(), &orders(&kubesim)["status"]["readyInstances"]),
        (json!("ready"), &json!(3)),
        "{awake}"
    );
}
