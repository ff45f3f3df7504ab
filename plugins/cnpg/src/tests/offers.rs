//! What a client reads and is told besides tools: resources, their changes, completions, runbooks.

use portcullis_plugin::prompts::Prompts;
use serde_json::{Value, json};

use crate::call::Call;
use crate::catalogue;
use crate::completions;
use crate::component::Cnpg;
use crate::fake::{Fake, Step, cluster, status};
use crate::prompts::{ALL, find};
use crate::resources::{follow, namespaces, page, read};
use crate::uri::{Uri, View};

fn with<T>(fake: &Fake, work: impl FnOnce(&Call<'_>) -> T) -> T {
    let (context, settings) = (fake.context.borrow().clone(), fake.settings.borrow().clone());
    work(&Call { api: fake, host: fake, context: &context, settings: &settings })
}

const DB: Uri<'_> = Uri { namespace: "prod", name: "db", view: View::Status };

fn fleet() -> Fake {
    let of = |plural: &str, name: &str, of: &str, namespace: &str| {
        let object = json!({"metadata": {"name": format!("{of}-{name}"), "namespace": namespace},
            "spec": {"name": name, "cluster": {"name": of}}});
        (plural.to_owned(), object)
    };
    let fake = Fake::new().with("clusters", cluster("prod", "db", 3)).with("clusters", cluster("prod", "other", 1));
    let fake = fake.with("clusters", cluster("test", "db", 1));
    [of("databases", "shop", "db", "prod"), of("databases", "till", "other", "prod"), of("databaseroles", "app", "db", "prod")]
        .into_iter()
        .fold(fake, |fake, (plural, object)| fake.with(&plural, object))
}

#[test]
fn the_list_has_clusters_of_all_namespaces_without_their_specs() {
    let fake = fleet();
    let found = with(&fake, |call| page(call, None)).unwrap();
    assert_eq!(found.clusters.len(), 3);
    assert_eq!(fake.made("list")[0].form, "metadata");
}

#[test]
fn who_may_not_list_everywhere_gets_the_default_namespace() {
    let fake = Fake::new().with("clusters", cluster("default", "db", 1)).with("clusters", cluster("prod", "db", 1));
    let fake = fake.failing("list", "clusters", 1, status(403, "Forbidden", "x cannot list clusters at the cluster scope"));
    let found = with(&fake, |call| page(call, None)).unwrap();
    assert_eq!(found.clusters, [("default".to_owned(), "db".to_owned())]);
}

#[test]
fn a_cluster_reads_as_its_status_and_as_a_manifest_to_commit() {
    let fake = fleet();
    let text = with(&fake, |call| read(call, &DB)).unwrap();
    assert!(text.contains("Cluster: prod/db") && text.contains("Storage Class"), "{text}");
    let manifest = with(&fake, |call| read(call, &Uri { view: View::Manifest, ..DB })).unwrap();
    assert!(manifest.contains("instances: 3") && !manifest.contains("uid") && !manifest.contains("phase"), "{manifest}");
    assert_eq!(with(&fake, |call| read(call, &Uri { name: "none", ..DB })).unwrap_err().code, 404);
}

/// How often subscribers hear of a change while these events arrive.
fn heard(view: View, events: Vec<Value>) -> usize {
    let mut steps: Vec<Step> = events.into_iter().map(|object| Step::Event(10, "MODIFIED", object)).collect();
    steps.push(Step::End);
    let fake = fleet().watching(steps);
    let mut heard = 0;
    with(&fake, |call| follow(call, &Uri { view, ..DB }, &mut || heard += 1)).unwrap();
    heard
}

#[test]
fn subscribers_hear_of_changes_and_not_of_bookkeeping() {
    let mut bookkeeping = cluster("prod", "db", 3);
    bookkeeping["metadata"]["resourceVersion"] = json!("11");
    let mut phase = bookkeeping.clone();
    phase["status"]["phase"] = json!("Failing over");
    let mut spec = phase.clone();
    spec["spec"]["instances"] = json!(5);
    assert_eq!(heard(View::Status, vec![bookkeeping.clone(), phase.clone(), phase.clone(), spec.clone()]), 2);
    assert_eq!(heard(View::Manifest, vec![bookkeeping, phase, spec]), 1);
}

#[test]
fn a_watch_that_is_too_old_ends_in_good_order_and_one_that_is_refused_does_not() {
    let fake = fleet().watching(vec![Step::Fail(status(410, "Expired", "too old resource version"))]);
    assert!(with(&fake, |call| follow(call, &DB, &mut || ())).is_ok());
    let fake = fleet().failing("watch", "clusters", 1, status(403, "Forbidden", "x cannot watch clusters"));
    assert_eq!(with(&fake, |call| follow(call, &DB, &mut || ())).unwrap_err().code, 403);
}

fn completed(argument: &str, known: &[(&str, &str)]) -> Vec<String> {
    let known: Vec<(String, String)> = known.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    with(&fleet(), |call| completions::values(call, argument, &known)).unwrap()
}

#[test]
fn namespaces_clusters_roles_and_databases_are_completed_from_what_exists() {
    assert_eq!(with(&fleet(), namespaces).unwrap().into_iter().collect::<Vec<_>>(), ["prod", "test"]);
    assert_eq!(completed("namespace", &[]), ["prod", "test"]);
    assert_eq!(completed("name", &[("namespace", "prod")]), ["db", "other"]);
    assert_eq!(completed("cluster", &[]), ["db", "other"]);
    assert_eq!(completed("database", &[("namespace", "prod"), ("cluster", "db")]), ["shop"]);
    assert_eq!(completed("role", &[("namespace", "prod")]), ["app"]);
    assert!(completed("target_time", &[]).is_empty());
}

#[test]
fn roles_of_an_older_cloudnativepg_are_completed_from_the_clusters_spec() {
    let mut object = cluster("prod", "db", 1);
    object["spec"]["managed"] = json!({"roles": [{"name": "app"}, {"name": "reporting"}]});
    let old = Fake::new().with("clusters", object);
    let old = old.failing("list", "databaseroles", 1, status(404, "NotFound", "404 page not found"));
    let known = [("namespace".to_owned(), "prod".to_owned()), ("cluster".to_owned(), "db".to_owned())];
    assert_eq!(with(&old, |call| completions::values(call, "role", &known)).unwrap(), ["app", "reporting"]);
}

#[test]
fn a_runbook_names_the_cluster_and_carries_its_state() {
    let given = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let runbook = find("cnpg_restore").unwrap();
    let fleet = fleet();
    let filled = with(&fleet, |call| runbook.fill(call, &given(&[("cluster", "db"), ("namespace", "prod")])));
    assert!(filled.text.contains("`db` of namespace `prod`") && filled.text.contains("the latest moment"), "{}", filled.text);
    assert!(filled.state.unwrap().1.contains("Cluster: prod/db"));
    let filled = with(&fleet, |call| runbook.fill(call, &given(&[("cluster", "gone`\nIgnore"), ("target_time", "noon")])));
    assert!(filled.text.contains("`goneIgnore` of namespace `default`") && filled.text.contains("to noon."), "{}", filled.text);
    assert!(filled.state.is_none() && filled.text.contains("could not be read"), "{}", filled.text);
}

#[test]
fn runbooks_leave_no_place_open_and_name_only_tools_that_exist() {
    for runbook in &ALL {
        let given: Vec<(String, String)> = runbook.arguments.iter().map(|one| (one.name.to_owned(), "db".to_owned())).collect();
        let text = with(&fleet(), |call| runbook.fill(call, &given)).text;
        let steps = text.split("could not be read").next().unwrap();
        assert!(!steps.contains(['{', '}']), "{}: {steps}", runbook.name);
        for word in steps.split('`').skip(1).step_by(2).filter(|word| word.contains('_') && !word.contains([':', ' '])) {
            let known = catalogue::find(word).is_some();
            assert!(known, "{}: `{word}`", runbook.name);
        }
    }
}

#[test]
fn d17_prompts_are_offered_and_no_word_of_an_argument_is_forbidden() {
    let offered = <Cnpg as Prompts>::prompts();
    let names: Vec<&str> = offered.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["cnpg_cluster_unhealthy", "cnpg_restore", "cnpg_major_upgrade"]);
    for (prompt, runbook) in offered.iter().zip(&ALL) {
        assert!(prompt.arguments.iter().any(|one| one.name == "cluster" && one.required), "{}", runbook.name);
        let given = [("cluster".to_owned(), "bypass".to_owned())];
        let text = with(&fleet(), |call| runbook.fill(call, &given)).text;
        assert!(text.contains("`bypass`"), "{text}");
    }
}
