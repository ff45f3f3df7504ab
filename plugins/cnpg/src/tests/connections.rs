//! get_connection_info.

use serde_json::{Value, json};

use super::roles::{inline, role};
use crate::answer::Answer;
use crate::fake::{Fake, cluster, status};
use crate::json::merged;

fn service(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "default", "labels": {"cnpg.io/cluster": "db"}}})
}

fn fake() -> Fake {
    let all = Fake::new().with("clusters", cluster("default", "db", 3)).with("databaseroles", role("db-shop", "db", "shop"));
    all.with("services", service("db-rw")).with("services", service("db-r"))
}

fn info(fake: &Fake, more: Value) -> Answer {
    fake.answer("get_connection_info", merged(&json!({"name": "db"}), &more))
}

#[test]
fn d23_the_owner_of_the_application_database_connects_to_the_primary() {
    let answer = info(&fake(), json!({}));
    assert_eq!(answer.structured["forms"]["uri"], "postgresql://app@db-rw.default.svc:5432/app?sslmode=require");
    assert_eq!((&answer.structured["password_secret"], &answer.structured["ca_secret"]), (&json!("db-app"), &json!("db-ca")));
    assert!(answer.text.contains("PGPASSWORD") && answer.text.contains("name: db-app"), "{}", answer.text);
}

#[test]
fn what_the_cluster_began_with_is_told() {
    let mut one = cluster("default", "db", 3);
    one["spec"]["bootstrap"] = json!({"initdb": {"database": "sales", "owner": "seller", "secret": {"name": "mine"}}});
    let answer = info(&Fake::new().with("clusters", one).with("services", service("db-rw")), json!({}));
    let told = ["database", "role", "password_secret"].map(|key| answer.structured[key].clone());
    assert_eq!(told, [json!("sales"), json!("seller"), json!("mine")]);
}

#[test]
fn a_declared_role_connects_with_the_secret_of_its_declaration() {
    let mut certified = role("db-shop", "db", "shop");
    certified["spec"]["clientCertificate"] = json!({"enabled": true});
    let fake = Fake::new().with("clusters", inline(json!([{"name": "old", "passwordSecret": {"name": "theirs"}}])));
    let fake = fake.with("databaseroles", certified).with("services", service("db-rw"));
    let answer = info(&fake, json!({"role": "shop", "format": "k8s-snippet"}));
    assert_eq!(answer.structured["password_secret"], "cnpg-db-user-shop");
    assert_eq!(answer.structured["client_certificate_secret"], "db-shop-client-cert");
    assert!(answer.text.starts_with("env:\n") && answer.text.contains("secretKeyRef"), "{}", answer.text);
    assert_eq!(info(&fake, json!({"role": "old"})).structured["password_secret"], "theirs");
    let unknown = info(&fake, json!({"role": "sqlmade"}));
    assert!(unknown.structured["password_secret"].is_null() && unknown.text.contains("declares no such role"));
}

#[test]
fn names_that_a_form_would_read_as_something_else_are_quoted_in_it() {
    let answer = info(&fake(), json!({"role": "o'brien & co", "database": "my/db"}));
    let forms = &answer.structured["forms"];
    assert_eq!(forms["uri"], "postgresql://o%27brien%20%26%20co@db-rw.default.svc:5432/my%2Fdb?sslmode=require");
    assert!(forms["env"].as_str().unwrap().contains(r"PGUSER='o'\''brien & co'"));
    assert!(forms["jdbc"].as_str().unwrap().ends_with("/my%2Fdb?user=o%27brien%20%26%20co&sslmode=require"));
}

#[test]
fn a_service_that_is_not_there_is_not_made_up() {
    let answer = info(&fake(), json!({"mode": "ro"}));
    assert!(answer.is_error && answer.text.contains("has db-r, db-rw"), "{}", answer.text);
    let blind = fake().failing("list", "services", 1, status(403, "Forbidden", "User \"x\" cannot list resource \"services\""));
    let answer = info(&blind, json!({"mode": "ro"}));
    assert!(answer.structured["host"] == "db-ro.default.svc" && answer.text.contains("could not be listed"), "{}", answer.text);
}

#[test]
fn a_pooler_is_chosen_when_there_are_several() {
    let pooler = |name: &str| json!({"metadata": {"name": name, "namespace": "default"}, "spec": {"cluster": {"name": "db"}}});
    let one = fake().with("poolers", pooler("pool"));
    assert_eq!(info(&one, json!({"mode": "pooler"})).structured["host"], "pool.default.svc");
    let two = one.with("poolers", pooler("pool2"));
    assert!(info(&two, json!({"mode": "pooler"})).text.contains("pool, pool2"));
    assert_eq!(info(&two, json!({"mode": "pooler", "pooler": "pool2"})).structured["service"], "pool2");
    assert!(info(&fake(), json!({"mode": "pooler"})).is_error);
}

#[test]
fn no_secret_is_read() {
    let fake = fake();
    info(&fake, json!({"role": "shop"}));
    assert!(fake.requests().iter().all(|one| one.plural != "secrets"));
}
