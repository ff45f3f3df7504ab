//! Versions of CloudNativePG, told apart by the kinds that they have, through the whole host: tools that would have nothing to work on are
//! withheld and say why, they come and go with the kinds, and roles are declared in the cluster where they have no kind of their own.

use kubesim::{Kubesim, Options, Recorded};
use serde_json::{Value, json};

use crate::serve_rig::{Client, admin, done, until};

const NEW_IN_1_25: [&str; 3] = ["databases", "publications", "subscriptions"];
const NEW_IN_1_27: [&str; 1] = ["failoverquorums"];
const NEW_IN_1_30: [&str; 1] = ["databaseroles"];

/// The demo on an operator without these kinds.
fn without(kinds: &[&str]) -> Kubesim {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    kinds.iter().for_each(|kind| remove(&kubesim, kind));
    kubesim
}

fn remove(kubesim: &Kubesim, kind: &str) {
    kubesim.remove_crd(&format!("{kind}.postgresql.cnpg.io")).unwrap();
}

/// Tools that have one of these words in their name.
fn about(tools: &[String], words: &[&str]) -> Vec<String> {
    tools.iter().filter(|tool| words.iter().any(|word| tool.contains(word))).cloned().collect()
}

#[test]
fn tools_of_kinds_that_an_old_operator_lacks_are_withheld_and_say_why() {
    let kubesim = without(&[&NEW_IN_1_25[..], &NEW_IN_1_27, &NEW_IN_1_30].concat());
    let host = admin(&kubesim);
    let client = Client::new(host.url());
    let tools = client.tools();
    assert_eq!(about(&tools, &["database", "publication", "subscription"]), Vec::<String>::new());
    for tool in ["list_postgres_roles", "create_postgres_role", "list_backups", "set_pooler", "get_operator_info"] {
        assert!(tools.iter().any(|one| one == tool), "{tool} is not in {tools:?}");
    }
    let (_, answer) =
        client.ask("tools/call", json!({"name": "list_postgres_databases", "arguments": {"cluster_name": "orders"}}));
    let said = answer.to_string();
    assert!(said.contains("databases.postgresql.cnpg.io") && said.contains("get_operator_info"), "{said}");
    assert!(kubesim.requests().iter().all(|one| !one.path.ends_with("/databases")), "it reached the API server");
    let info = done(&client, "get_operator_info", json!({}));
    assert_eq!(info["version_by_kinds"], "older than 1.25", "{info}");
}

#[test]
fn tools_go_with_the_kinds_while_the_host_serves() {
    let kubesim = without(&[]);
    let host = admin(&kubesim);
    let client = Client::new(host.url());
    assert!(!about(&client.tools(), &["pooler"]).is_empty());
    remove(&kubesim, "poolers");
    done(&client, "get_operator_info", json!({}));
    until(&host, "the list without poolers", || about(&client.tools(), &["pooler"]).is_empty().then_some(()));
}

#[test]
fn without_cloudnativepg_two_tools_are_left_to_say_so() {
    let older = ["clusters", "backups", "scheduledbackups", "poolers", "imagecatalogs", "clusterimagecatalogs"];
    let kubesim = without(&[&older[..], &NEW_IN_1_25, &NEW_IN_1_27, &NEW_IN_1_30].concat());
    let host = admin(&kubesim);
    let client = Client::new(host.url());
    assert_eq!(client.tools(), ["get_operator_info", "list_postgres_clusters"]);
    let listed = client.call("list_postgres_clusters", &json!({}));
    assert!(listed["isError"] == true && listed.to_string().contains("not installed"), "{listed}");
    assert_eq!(done(&client, "get_operator_info", json!({}))["installed"], false);
}

#[test]
fn roles_are_declared_in_the_cluster_where_they_have_no_kind_of_their_own() {
    let kubesim = without(&NEW_IN_1_30);
    let host = admin(&kubesim);
    let client = Client::new(host.url());
    let role = |more: Value| {
        let mut arguments = json!({"cluster_name": "orders", "role_name": "ann", "timeout": 20});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let declared = || kubesim.get("Cluster", "demo", "orders").unwrap()["spec"]["managed"]["roles"].clone();
    let made = done(&client, "create_postgres_role", role(json!({})));
    assert_eq!((&made["source"], &made["wait"]["outcome"]), (&json!("inline"), &json!("ready")), "{made}");
    assert_eq!((&declared()[0]["name"], &declared()[0]["ensure"]), (&json!("ann"), &json!("present")));
    let rotated = done(&client, "update_postgres_role", role(json!({"reset_password": true, "wait": true})));
    assert_eq!(rotated["wait"]["outcome"], "ready", "{rotated}");
    let listed = done(&client, "list_postgres_roles", json!({"cluster_name": "orders"}));
    assert_eq!((&listed["roles"][0]["name"], &listed["roles"][0]["source"]), (&json!("ann"), &json!("inline")), "{listed}");
    let dropped = done(&client, "delete_postgres_role", role(json!({"confirm_name": "ann"})));
    // Left out of the list alone, CloudNativePG would leave the role in PostgreSQL (D11): it was declared absent first.
    assert_eq!((&dropped["source"], &dropped["gone"]), (&json!("inline"), &json!(true)), "{dropped}");
    let absent = |one: &Recorded| one.method == "PATCH" && one.query("dryRun").is_none() && one.body.contains("absent");
    assert!(kubesim.requests().iter().any(absent) && declared().as_array().is_none_or(Vec::is_empty), "{}", declared());
}
