//! set_pg_hba, set_resources, set_sync_replication and set_superuser_access.

use serde_json::{Value, json};

use crate::fake::{Fake, cluster, invalid};
use crate::settings::PrivilegedRoles;

fn with(change: impl Fn(&mut Value)) -> Fake {
    let mut one = cluster("default", "db", 3);
    change(&mut one);
    Fake::new().with("clusters", one)
}

fn ruled(rules: Value) -> Fake {
    with(|one| one["spec"]["postgresql"] = json!({"pg_hba": rules, "parameters": {"work_mem": "4MB"}}))
}

const HBA: &str = "set_pg_hba";
const APP: &str = "hostssl app app 10.0.0.0/8 scram-sha-256";
const OPEN: &str = "host all all 10.0.0.0/8 trust";

#[test]
fn lines_are_added_and_taken_out_and_the_others_keep_their_order() {
    let fake = ruled(json!(["host a a all md5", "host b b all md5"]));
    let answer = fake.answer(HBA, json!({"name": "db", "add": [APP], "remove": ["host  a a all md5"]}));
    let rules = json!(["host b b all md5", APP]);
    assert_eq!(fake.made("patch")[0].body["spec"], json!({"postgresql": {"pg_hba": rules}}));
    assert_eq!(fake.made("patch")[0].body["metadata"], json!({"resourceVersion": "10"}));
    assert_eq!((&answer.structured["rules"], &answer.structured["changed"]), (&rules, &json!(true)));
    assert!(answer.text.contains("1 of the lines that are there go"), "{}", answer.text);
    fake.answer(HBA, json!({"name": "db", "add": ["local all all peer"], "position": "first"}));
    assert_eq!(fake.stored("clusters", "db").unwrap()["spec"]["postgresql"]["pg_hba"][0], "local all all peer");
    let again = fake.answer(HBA, json!({"name": "db", "add": [APP]}));
    assert!(again.structured["changed"] == false && fake.made("patch").len() == 2, "{}", again.text);
}

#[test]
fn the_whole_list_can_be_replaced_and_emptied() {
    let fake = ruled(json!(["host a a all md5"]));
    fake.answer(HBA, json!({"name": "db", "rules": [APP]}));
    fake.answer(HBA, json!({"name": "db", "rules": []}));
    assert_eq!(fake.stored("clusters", "db").unwrap()["spec"]["postgresql"]["pg_hba"], json!([]));
}

#[test]
fn a_line_that_postgresql_cannot_read_is_refused_before_anything_is_sent() {
    for bad in [
        json!({"rules": ["host all all"]}),
        json!({"add": ["host all all all magic"]}),
        json!({"rules": [APP], "add": [APP]}),
        json!({}),
    ] {
        let fake = ruled(json!([]));
        let mut arguments = bad.clone();
        arguments["name"] = json!("db");
        let answer = fake.answer(HBA, arguments);
        assert!(answer.is_error && fake.requests().is_empty(), "{bad}");
    }
    let answer = ruled(json!([APP])).answer(HBA, json!({"name": "db", "remove": ["host x x all md5"]}));
    assert!(answer.is_error && answer.text.contains(APP), "{}", answer.text);
}

#[test]
fn letting_in_without_a_password_needs_consent() {
    let fake = ruled(json!([]));
    let answer = fake.answer(HBA, json!({"name": "db", "add": [OPEN]}));
    assert_eq!(answer.structured["reason"], "ConfirmationRequired");
    assert!(fake.made("patch").is_empty() && answer.text.contains(OPEN));
    let answer = fake.answer(HBA, json!({"name": "db", "add": [OPEN], "confirm_name": "db"}));
    assert_eq!(answer.structured["confirmed_by"], "confirm_name");
    let fake = ruled(json!([OPEN]));
    let answer = fake.answer(HBA, json!({"name": "db", "add": [APP]}));
    assert!(!answer.is_error, "what was open before needs none: {}", answer.text);
}

#[test]
fn consent_for_one_spec_is_not_used_on_another() {
    let fake = ruled(json!([]));
    fake.context.borrow_mut().can_ask = vec!["elicitation/create".into()];
    let arguments = json!({"name": "db", "add": [OPEN]});
    let question = fake.question(HBA, arguments.clone());
    {
        let mut context = fake.context.borrow_mut();
        context.state = Some(question.state);
        context.answers = vec![("confirm".into(), json!({"action": "accept", "content": {"confirm_name": "db"}}))];
    }
    let mut changed = fake.stored("clusters", "db").unwrap();
    changed["spec"]["postgresql"]["pg_hba"] = json!(["host all all all reject"]);
    fake.interlope(0, "clusters", changed.clone());
    // Between the answer and the change.
    changed["metadata"]["resourceVersion"] = json!("11");
    *fake.meanwhile.borrow_mut() = Some(changed);
    let answer = fake.answer(HBA, arguments.clone());
    assert_eq!(answer.structured["reason"], "Changed", "{}", answer.text);
    // Between the question and the answer.
    let answer = fake.answer(HBA, arguments);
    assert_eq!(answer.structured["reason"], "Replaced", "{}", answer.text);
    assert_eq!(fake.stored("clusters", "db").unwrap()["spec"]["postgresql"]["pg_hba"], json!(["host all all all reject"]));
}

#[test]
fn a_password_that_somebody_wrote_into_a_line_is_not_shown() {
    let line = "host all all all ldap ldapserver=x ldapbindpasswd=hunter2";
    let shown = |fake: &Fake, arguments: Value| {
        let answer = fake.answer(HBA, arguments);
        assert!(!format!("{} {}", answer.text, answer.structured).contains("hunter2"), "{}", answer.text);
        answer
    };
    let answer = shown(&ruled(json!([line])), json!({"name": "db", "add": [APP], "dry_run": true}));
    assert!(answer.text.contains("ldapbindpasswd=***"), "{}", answer.text);
    shown(&ruled(json!([line])), json!({"name": "db", "remove": ["x"]}));
    let argo = ruled(json!([line]));
    let mut owned = argo.stored("clusters", "db").unwrap();
    owned["metadata"]["labels"] = json!({"argocd.argoproj.io/instance": "shop"});
    assert_eq!(
        shown(&Fake::new().with("clusters", owned), json!({"name": "db", "add": [APP]})).structured["reason"],
        "GitOpsManaged"
    );
    let refused = shown(&argo, json!({"name": "db", "add": ["host a all all ldap ldapbindpasswd=hunter2"]}));
    assert!(refused.is_error && refused.text.contains("spec.postgresql.ldap"));
}

const RESOURCES: &str = "set_resources";

fn sized() -> Fake {
    with(|one| one["spec"]["resources"] = json!({"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}))
}

#[test]
fn resources_that_are_not_named_stay_and_null_takes_one_out() {
    let fake = sized();
    let arguments = json!({"name": "db", "requests": {"cpu": 2, "memory": "4Gi"}, "limits": {"memory": "4Gi", "cpu": null}});
    let answer = fake.answer(RESOURCES, arguments);
    let body = json!({"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"memory": "4Gi", "cpu": null}});
    assert_eq!(fake.made("patch")[0].body["spec"], json!({"resources": body}));
    assert_eq!(answer.structured["resources"]["limits"], json!({"memory": "4Gi"}));
    assert!(answer.text.contains("restarted, instance by instance"), "{}", answer.text);
    let same = fake.answer(RESOURCES, json!({"name": "db", "requests": {"cpu": "2"}}));
    assert!(same.structured["changed"] == false && fake.made("patch").len() == 1);
}

#[test]
fn what_is_no_quantity_or_more_than_the_limit_is_told_by_parameter() {
    for (arguments, parameter) in [
        (json!({"name": "db", "requests": {"cpu": "much"}}), "requests"),
        (json!({"name": "db", "limits": {"memory": "0"}}), "limits"),
        (json!({"name": "db", "requests": {"memory": "3Gi"}}), "requests"),
        (json!({"name": "db"}), "requests"),
    ] {
        let fake = sized();
        let answer = fake.answer(RESOURCES, arguments.clone());
        assert_eq!(answer.structured["causes"][0]["parameter"], parameter, "{arguments}");
        assert!(fake.made("patch").is_empty());
    }
    let fake = sized().failing("patch", "clusters", 1, invalid("spec.resources.requests", "too much"));
    let answer = fake.answer(RESOURCES, json!({"name": "db", "limits": {"cpu": "2"}}));
    assert_eq!(answer.structured["causes"][0]["parameter"], "limits");
}

const SYNC: &str = "set_sync_replication";

#[test]
fn synchronous_replication_begins_as_a_quorum_and_takes_the_deprecated_fields_away() {
    let fake = with(|one| one["spec"]["maxSyncReplicas"] = json!(1));
    let answer = fake.answer(SYNC, json!({"name": "db", "number": 1, "data_durability": "preferred"}));
    let synchronous = json!({"number": 1, "method": "any", "dataDurability": "preferred"});
    assert_eq!(fake.made("patch")[0].body["spec"], json!({"maxSyncReplicas": null, "postgresql": {"synchronous": synchronous}}));
    assert_eq!(answer.structured["synchronous"], synchronous);
    let again = fake.answer(SYNC, json!({"name": "db", "number": 1}));
    assert!(again.structured["changed"] == false, "{}", again.text);
}

#[test]
fn what_the_crd_fills_in_is_no_deprecated_setting() {
    let defaults = |one: &mut Value| {
        one["spec"]["minSyncReplicas"] = json!(0);
        one["spec"]["maxSyncReplicas"] = json!(0);
    };
    let fake = with(defaults);
    let answer = fake.answer(SYNC, json!({"name": "db", "number": 1}));
    assert!(!answer.text.contains("deprecated"), "{}", answer.text);
    let again = fake.answer(SYNC, json!({"name": "db", "number": 1}));
    assert!(again.structured["changed"] == false && fake.made("patch").len() == 1, "{}", again.text);
    assert!(with(defaults).answer(SYNC, json!({"name": "db", "number": 0})).structured["changed"] == false);
}

#[test]
fn more_standbys_than_there_are_cannot_confirm() {
    let fake = with(|_| ());
    let answer = fake.answer(SYNC, json!({"name": "db", "number": 3}));
    assert_eq!(answer.structured["causes"][0]["parameter"], "number");
    assert!(fake.made("patch").is_empty());
    let all = fake.answer(SYNC, json!({"name": "db", "number": 2, "dry_run": true}));
    assert!(all.text.contains("writes wait until it is back"), "{}", all.text);
}

#[test]
fn zero_switches_it_off_and_says_what_that_costs() {
    let fake = with(|one| one["spec"]["postgresql"] = json!({"synchronous": {"method": "any", "number": 1}}));
    let answer = fake.answer(SYNC, json!({"name": "db", "number": 0}));
    assert_eq!(fake.made("patch")[0].body["spec"], json!({"postgresql": {"synchronous": null}}));
    assert!(answer.text.contains("may lose the last commits") && answer.structured["synchronous"].is_null(), "{}", answer.text);
    assert!(fake.answer(SYNC, json!({"name": "db", "number": 0, "method": "any"})).is_error);
}

const SUPERUSER: &str = "set_superuser_access";

#[test]
fn superuser_access_is_the_operators_to_allow() {
    let fake = with(|_| ());
    let answer = fake.answer(SUPERUSER, json!({"name": "db", "enabled": true}));
    assert_eq!(answer.structured["reason"], "PrivilegedRole");
    assert!(fake.made("patch").is_empty());
    fake.settings.borrow_mut().privileged_roles = PrivilegedRoles::Allow;
    let answer = fake.answer(SUPERUSER, json!({"name": "db", "enabled": true, "secret_name": "mine"}));
    let spec = json!({"enableSuperuserAccess": true, "superuserSecret": {"name": "mine"}});
    assert_eq!((&fake.made("patch")[0].body["spec"], &answer.structured["secret"]), (&spec, &json!("mine")));
}

#[test]
fn switching_it_off_deletes_a_secret_and_needs_consent() {
    let fake = with(|one| one["spec"]["enableSuperuserAccess"] = json!(true));
    let answer = fake.answer(SUPERUSER, json!({"name": "db", "enabled": false}));
    assert_eq!(answer.structured["reason"], "ConfirmationRequired");
    assert!(answer.text.contains("`db-superuser`") && fake.made("patch").is_empty(), "{}", answer.text);
    let answer = fake.answer(SUPERUSER, json!({"name": "db", "enabled": false, "confirm_name": "db"}));
    assert_eq!(fake.made("patch")[0].body["spec"], json!({"enableSuperuserAccess": false}));
    assert_eq!(answer.structured["confirmed_by"], "confirm_name");
    let again = fake.answer(SUPERUSER, json!({"name": "db", "enabled": false}));
    assert!(!again.is_error && again.structured["changed"] == false);
}
