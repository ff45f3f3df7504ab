//! Planned failures, the request log, forgotten history: what only the stand-in can do.

use std::time::Duration;

use kubesim::client::Client;
use kubesim::{Fault, Kubesim, Matcher, Options, example_cluster};
use serde_json::json;

use super::server::{eventually, expect, refused};
use super::watches::Events;

const CLUSTERS: &str = "/apis/postgresql.cnpg.io/v1/namespaces/default/clusters";

fn start() -> (Kubesim, Client) {
    let sim =
        Kubesim::start(Options { operator_step: None, bookmark_every: Duration::from_millis(50), ..Options::default() }).unwrap();
    let client = Client::new(sim.url(), "", None).unwrap();
    (sim, client)
}

#[tokio::test]
async fn a_status_fault_is_a_status_with_its_reason_and_happens_once() {
    let (sim, client) = start();
    let fault = Fault::Status { code: 429, retry_after: Some(1) };
    sim.faults().fail_next(Matcher::on("list", "clusters"), fault);
    expect(200, &client.send("GET", "/api/v1/pods", &[], None).await.unwrap());
    let answer = client.send("GET", CLUSTERS, &[], None).await.unwrap();
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(refused(429, "TooManyRequests", &answer)["details"]["retryAfterSeconds"], 1);
    expect(200, &client.send("GET", CLUSTERS, &[], None).await.unwrap());
}

#[tokio::test]
async fn a_planned_refusal_names_what_was_asked_for() {
    let (sim, client) = start();
    let ask = async |code: u16| {
        sim.faults().fail_next(Matcher::on("get", "clusters").named("db"), Fault::Status { code, retry_after: None });
        client.send("GET", &format!("{CLUSTERS}/db"), &[], None).await.unwrap().json()["message"].as_str().unwrap().to_owned()
    };
    let cannot = r#"cannot get resource "clusters" in API group "postgresql.cnpg.io" in the namespace "default""#;
    assert!(ask(403).await.ends_with(cannot));
    assert_eq!(ask(404).await, r#"clusters.postgresql.cnpg.io "db" not found"#);
    assert!(ask(409).await.starts_with("Operation cannot be fulfilled on clusters.postgresql.cnpg.io"));
    assert!(ask(500).await.starts_with("Internal error occurred"));
}

#[tokio::test]
async fn a_request_that_is_held_is_answered_when_the_faults_are_cleared() {
    let (sim, client) = start();
    sim.faults().fail_next(Matcher::on("list", "clusters"), Fault::Hold);
    let held = tokio::spawn({
        let client = client.clone();
        async move { client.send("GET", CLUSTERS, &[], None).await.unwrap() }
    });
    eventually("the request", async || (sim.requests().len() == 1).then_some(())).await;
    expect(200, &client.send("GET", CLUSTERS, &[], None).await.unwrap());
    assert!(!held.is_finished());
    sim.faults().clear();
    expect(200, &held.await.unwrap());
}

#[tokio::test]
async fn reset_hang_bad_json_and_delay_do_what_they_say() {
    let (sim, client) = start();
    sim.faults().fail_next(Matcher::any(), Fault::Reset);
    assert!(client.send("GET", CLUSTERS, &[], None).await.is_err());
    sim.faults().fail_next(Matcher::any(), Fault::BadJson);
    assert!(client.send("GET", CLUSTERS, &[], None).await.unwrap().json().is_null());
    sim.faults().fail_next(Matcher::any(), Fault::Delay(Duration::from_millis(30)));
    expect(200, &client.send("GET", CLUSTERS, &[], None).await.unwrap());
    sim.faults().fail_always(Matcher::any(), Fault::Hang);
    let hung = tokio::spawn(async move { client.send("GET", CLUSTERS, &[], None).await });
    eventually("the request that hangs", async || (sim.requests().len() == 4).then_some(())).await;
    assert!(!hung.is_finished());
    sim.stop();
    assert!(hung.await.unwrap().is_err());
}

#[tokio::test]
async fn a_delayed_request_does_not_hold_up_the_others() {
    let (sim, client) = start();
    sim.faults().fail_next(Matcher::on("list", "clusters"), Fault::Delay(Duration::from_secs(3_600)));
    let slow = client.clone();
    let slow = tokio::spawn(async move { slow.send("GET", CLUSTERS, &[], None).await });
    eventually("the slow request", async || (sim.requests().len() == 1).then_some(())).await;
    expect(200, &client.send("GET", CLUSTERS, &[], None).await.unwrap());
    assert!(!slow.is_finished());
}

#[tokio::test]
async fn a_running_watch_can_be_told_that_it_is_too_old() {
    let (sim, client) = start();
    let mut events = Events::open(&client, &format!("{CLUSTERS}?watch=1")).await;
    sim.create(&example_cluster("default", "db", 1)).unwrap();
    assert_eq!(events.shown().await, "ADDED db");
    sim.faults().fail_next(Matcher::on("watch", "clusters"), Fault::GoneOnWatch);
    let event = events.next().await.unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["code"], &event["object"]["reason"]),
        (&json!("ERROR"), &json!(410), &json!("Expired"))
    );
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn forgotten_history_is_gone_for_watches_and_for_pages() {
    let (sim, client) = start();
    for name in ["a", "b"] {
        sim.create(&example_cluster("default", name, 1)).unwrap();
    }
    let page = expect(200, &client.send("GET", &format!("{CLUSTERS}?limit=1"), &[], None).await.unwrap());
    sim.compact();
    let token = page["metadata"]["continue"].as_str().unwrap();
    let answer = client.send("GET", &format!("{CLUSTERS}?limit=1&continue={token}"), &[], None).await.unwrap();
    refused(410, "Expired", &answer);
    let event = Events::open(&client, &format!("{CLUSTERS}?watch=1&resourceVersion=2")).await.next().await.unwrap();
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
}

#[tokio::test]
async fn bookmarks_come_when_asked_for() {
    let (sim, client) = start();
    sim.create(&example_cluster("default", "db", 1)).unwrap();
    let path = format!("{CLUSTERS}?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
    let mut events = Events::open(&client, &path).await;
    assert_eq!(events.next().await.unwrap()["type"], "ADDED");
    let first = events.next().await.unwrap();
    assert_eq!(first["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    let second = events.next().await.unwrap();
    assert_eq!((&second["type"], &second["object"]["kind"]), (&json!("BOOKMARK"), &json!("Cluster")));
}

#[tokio::test]
async fn the_log_shows_requests_without_their_credentials() {
    let (sim, client) = start();
    let client = client.with_token("secret-token");
    let path = format!("{CLUSTERS}?dryRun=All&fieldManager=me");
    client.send("POST", &path, &[], Some(&example_cluster("default", "db", 1))).await.unwrap();
    let requests = sim.take_requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((request.method.as_str(), request.path.as_str(), request.query("dryRun")), ("POST", CLUSTERS, Some("All")));
    assert!(request.body.contains(r#""instances":1"#));
    assert!(!format!("{request:?}").contains("secret-token"));
    assert!(sim.requests().is_empty());
}
