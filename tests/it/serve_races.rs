//! Somebody else writes between a tool's look and its write, through the whole host: nothing is lost, nothing is overwritten, and who comes
//! second learns what changed. A request that the stand-in holds makes that moment as long as a test needs.

use std::time::Duration;

use kubesim::{Fault, Kubesim, Matcher, Options, example_cluster};
use portcullis_tests::host::Host;
use serde_json::{Value, json};

use crate::serve_rig::{Client, admin, done, until};

/// A stand-in with a healthy cluster `orders` of three, and a host with every tool.
struct Scene {
    kubesim: Kubesim,
    host: Host,
}

/// What is interrupted: the n-th request of this verb on this resource.
#[derive(Clone, Copy)]
struct At(&'static str, &'static str, usize);

impl Scene {
    fn new() -> Self {
        Self::of(Kubesim::start(Options { demo: true, ..Options::default() }).unwrap())
    }

    fn of(kubesim: Kubesim) -> Self {
        let host = admin(&kubesim);
        Self { kubesim, host }
    }

    fn client(&self) -> Client {
        Client::new(self.host.url())
    }

    fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.client().call(tool, arguments)
    }

    fn orders(&self) -> Value {
        self.kubesim.get("Cluster", "demo", "orders").unwrap()
    }

    /// Somebody else's merge patch.
    fn somebody(&self, subresource: &str, patch: &Value) {
        self.kubesim.patch("Cluster", "demo", "orders", subresource, patch).unwrap();
    }

    /// Requests of a verb on a resource's objects since the requests were last taken.
    fn made(&self, verb: &str, resource: &str) -> usize {
        let part = format!("/{resource}/");
        self.kubesim.requests().iter().filter(|one| one.method.eq_ignore_ascii_case(verb) && one.path.contains(&part)).count()
    }

    /// The tool's result when `meanwhile` happens before that request of it is carried out.
    fn interrupted(&self, at: At, tool: &str, arguments: &Value, meanwhile: impl FnOnce()) -> Value {
        let At(verb, resource, nth) = at;
        let matcher = Matcher::on(verb, resource);
        self.kubesim.take_requests();
        if nth > 1 {
            self.kubesim.faults().fail_times(nth - 1, matcher.clone(), Fault::Delay(Duration::ZERO));
        }
        self.kubesim.faults().fail_next(matcher, Fault::Hold);
        std::thread::scope(|scope| {
            let call = scope.spawn(|| self.call(tool, arguments));
            until(&self.host, "the request to interrupt", || {
                assert!(!call.is_finished(), "it ended without {verb} {resource} no. {nth}: {:?}", self.kubesim.requests());
                (self.made(verb, resource) >= nth).then_some(())
            });
            meanwhile();
            self.kubesim.faults().clear();
            call.join().unwrap()
        })
    }
}

const PATCH: At = At("patch", "clusters", 1);

fn work_mem() -> Value {
    json!({"name": "orders", "set": {"work_mem": "16MB"}})
}

#[test]
fn a_conflict_is_tried_again_and_one_that_stays_is_told() {
    let scene = Scene::new();
    let conflict = || Fault::Status { code: 409, retry_after: None };
    scene.kubesim.take_requests();
    scene.kubesim.faults().fail_times(2, Matcher::on("patch", "clusters"), conflict());
    done(&scene.client(), "set_parameters", work_mem());
    assert_eq!(scene.made("patch", "clusters"), 3);
    scene.kubesim.faults().fail_always(Matcher::on("patch", "clusters"), conflict());
    let told = scene.call("set_parameters", &json!({"name": "orders", "set": {"work_mem": "32MB"}}));
    let reason = &told["structuredContent"];
    assert_eq!((&told["isError"], &reason["code"], &reason["retryable"]), (&json!(true), &json!(409), &json!(true)), "{told}");
    assert_eq!(scene.orders()["spec"]["postgresql"]["parameters"]["work_mem"], "16MB");
}

#[test]
fn who_comes_second_learns_what_changed_and_neither_change_is_lost() {
    let scene = Scene::new();
    let theirs = json!({"spec": {"postgresql": {"parameters": {"max_connections": "250"}}}});
    let result = scene.interrupted(PATCH, "set_parameters", &work_mem(), || scene.somebody("", &theirs));
    assert_eq!(result["isError"], false, "{result}");
    let notes = result["structuredContent"]["notes"].to_string();
    assert!(notes.contains("max_connections") && notes.contains("250"), "{notes}");
    let parameters = scene.orders()["spec"]["postgresql"]["parameters"].clone();
    assert_eq!((&parameters["max_connections"], &parameters["work_mem"]), (&json!("250"), &json!("16MB")));
}

#[test]
fn what_the_operator_writes_meanwhile_stays() {
    let scene = Scene::new();
    let theirs = json!({"status": {"firstRecoverabilityPoint": "2026-11-21T12:00:00Z"}});
    let result = scene.interrupted(PATCH, "set_parameters", &work_mem(), || scene.somebody("status", &theirs));
    assert_eq!(result["isError"], false, "{result}");
    assert_eq!(scene.made("patch", "clusters"), 2, "the first patch was not fenced by the version it was decided on");
    assert_eq!(scene.orders()["status"]["firstRecoverabilityPoint"], "2026-11-21T12:00:00Z");
}

#[test]
fn a_guard_holds_for_what_is_there_when_it_is_written() {
    let scene = Scene::new();
    let theirs = json!({"spec": {"minSyncReplicas": 1, "maxSyncReplicas": 2}});
    let down = json!({"name": "orders", "instances": 2});
    let result = scene.interrupted(PATCH, "scale_postgres_cluster", &down, || scene.somebody("", &theirs));
    assert_eq!(result["structuredContent"]["reason"], "SynchronousReplication", "{result}");
    assert_eq!(scene.orders()["spec"]["instances"], 3);
}

#[test]
fn writers_at_the_same_time_all_get_what_they_wanted() {
    let scene = Scene::new();
    for (round, pair) in [["work_mem", "temp_buffers"], ["random_page_cost", "seq_page_cost"]].iter().enumerate() {
        let value = format!("{}", 8 + round);
        std::thread::scope(|scope| {
            for name in pair {
                scope.spawn(|| done(&scene.client(), "set_parameters", json!({"name": "orders", "set": {*name: value.clone()}})));
            }
        });
        let parameters = scene.orders()["spec"]["postgresql"]["parameters"].clone();
        assert!(pair.iter().all(|name| parameters[*name] == value), "{parameters}");
    }
}

#[test]
fn two_writers_of_the_list_of_roles_both_keep_their_entry() {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() }).unwrap();
    kubesim.remove_crd("databaseroles.postgresql.cnpg.io").unwrap();
    let scene = Scene::of(kubesim);
    let theirs = json!({"spec": {"managed": {"roles": [{"name": "bob", "ensure": "present"}]}}});
    let ann = json!({"cluster_name": "orders", "role_name": "ann", "wait": false});
    // The first patch only tries it.
    let result = scene.interrupted(At("patch", "clusters", 2), "create_postgres_role", &ann, || scene.somebody("", &theirs));
    assert_eq!(result["isError"], false, "{result}");
    let roles = scene.orders()["spec"]["managed"]["roles"].clone();
    let names: Vec<&str> = roles.as_array().unwrap().iter().filter_map(|role| role["name"].as_str()).collect();
    assert_eq!(names, ["bob", "ann"]);
}

#[test]
fn a_cluster_that_was_made_anew_is_not_deleted() {
    let scene = Scene::new();
    let arguments = json!({"name": "inventory", "confirm_deletion": true, "confirm_name": "inventory"});
    let result = scene.interrupted(At("delete", "clusters", 1), "delete_postgres_cluster", &arguments, || {
        scene.kubesim.delete("Cluster", "demo", "inventory").unwrap();
        scene.kubesim.create(&example_cluster("demo", "inventory", 1)).unwrap();
    });
    assert_eq!(result["structuredContent"]["reason"], "Replaced", "{result}");
    assert!(scene.kubesim.get("Cluster", "demo", "inventory").is_some(), "somebody else's new cluster is gone");
}

#[test]
fn a_password_that_somebody_else_set_is_not_overwritten() {
    let scene = Scene::new();
    done(&scene.client(), "create_postgres_role", json!({"cluster_name": "orders", "role_name": "ann", "wait": false}));
    let theirs = json!({"data": {"password": "dGhlaXJz"}});
    scene.kubesim.patch("Secret", "demo", "cnpg-orders-user-ann", "", &theirs).unwrap();
    let rotate = json!({"cluster_name": "orders", "role_name": "ann", "reset_password": true, "wait": false});
    let result = scene.call("update_postgres_role", &rotate);
    assert_eq!(result["structuredContent"]["reason"], "ForeignSecret", "{result}");
    assert_eq!(scene.kubesim.get("Secret", "demo", "cnpg-orders-user-ann").unwrap()["data"]["password"], "dGhlaXJz");
}

/// A plan to scale, and how it is applied.
fn planned(scene: &Scene) -> Value {
    let up = json!({"tool": "scale_postgres_cluster", "arguments": {"name": "orders", "instances": 4}});
    let plan = done(&scene.client(), "plan_change", up.clone());
    let mut apply = up;
    apply["plan_id"] = plan["plan_id"].clone();
    apply["confirm_name"] = json!("orders");
    apply
}

/// Patches of clusters that were meant.
fn meant(scene: &Scene) -> usize {
    let patches = scene.kubesim.requests().into_iter().filter(|one| one.method == "PATCH" && one.path.contains("/clusters/"));
    patches.filter(|one| one.query("dryRun").is_none()).count()
}

#[test]
fn a_plan_is_refused_once_somebody_changed_the_spec_and_applied_while_only_its_status_moved() {
    let scene = Scene::new();
    let apply = planned(&scene);
    scene.somebody("", &json!({"spec": {"postgresql": {"parameters": {"max_connections": "250"}}}}));
    scene.kubesim.take_requests();
    let stale = scene.call("apply_plan", &apply);
    assert_eq!(stale["structuredContent"]["reason"], "PlanIsStale", "{stale}");
    assert_eq!((meant(&scene), &scene.orders()["spec"]["instances"]), (0, &json!(3)));
    let apply = planned(&scene);
    scene.somebody("status", &json!({"status": {"firstRecoverabilityPoint": "2026-11-21T12:00:00Z"}}));
    done(&scene.client(), "apply_plan", apply);
    assert_eq!(scene.orders()["spec"]["instances"], 4);
}

#[test]
fn a_plan_is_refused_even_if_the_spec_changes_while_it_is_being_applied() {
    let scene = Scene::new();
    let apply = planned(&scene);
    let theirs = json!({"spec": {"postgresql": {"parameters": {"max_connections": "250"}}}});
    // The first patch tries the plan once more.
    let result = scene.interrupted(At("patch", "clusters", 2), "apply_plan", &apply, || scene.somebody("", &theirs));
    assert_eq!((&result["isError"], &result["structuredContent"]["code"]), (&json!(true), &json!(409)), "{result}");
    assert!(result["content"][0]["text"].as_str().unwrap().contains("changed after it was planned for"), "{result}");
    assert_eq!((meant(&scene), &scene.orders()["spec"]["instances"]), (1, &json!(3)), "it was tried again");
}
