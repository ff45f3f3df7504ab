//! Guests that are refused when they are loaded: the finding names what is wrong and what to type.

use portcullis_core::grant::Grants;
use portcullis_tests::guest;

use crate::guests_rig::{Rig, everything};

fn assert_says(finding: &str, parts: &[&str]) {
    for part in parts {
        assert!(finding.contains(part), "`{part}` is not in:\n{finding}");
    }
}

#[tokio::test]
async fn an_import_that_the_manifest_does_not_request_refuses_the_plugin() {
    let finding = Rig::new().refusal(guest!("undeclared_import"), everything()).await;
    assert_says(&finding, &["undeclared-import", "portcullis:kubernetes/api", "requests", "kubernetes"]);
}

#[tokio::test]
async fn an_import_that_the_operator_does_not_grant_prints_the_yaml_to_add() {
    let finding = Rig::new().refusal(guest!("log_flood"), Grants::default()).await;
    assert_says(&finding, &["log-flood", "portcullis:tool/log", "grants", "log: true"]);
}

#[tokio::test]
async fn clocks_and_random_are_refused_without_their_grants() {
    let finding = Rig::new().refusal(guest!("clocks_random"), Grants::default()).await;
    assert_says(&finding, &["clocks: true", "random: true"]);
}

#[tokio::test]
async fn an_interface_that_no_capability_covers_cannot_be_granted() {
    let finding = Rig::new().refusal(guest!("file_reader"), everything()).await;
    assert_says(&finding, &["file-reader", "wasi:filesystem"]);
}

#[tokio::test]
async fn a_trap_in_list_refuses_the_plugin_without_its_backtrace() {
    let finding = Rig::new().refusal(guest!("trap_in_list"), everything()).await;
    assert_says(&finding, &["trap-in-list"]);
    assert!(!finding.contains("wasm backtrace") && !finding.contains("0x"), "{finding}");
}

#[tokio::test]
async fn a_schema_that_is_none_refuses_the_plugin() {
    let finding = Rig::new().refusal(guest!("bad_schema"), everything()).await;
    assert_says(&finding, &["bad-schema", "crooked", "schema"]);
}

#[tokio::test]
async fn a_name_that_is_none_or_comes_twice_refuses_the_plugin() {
    let rig = Rig::new();
    assert_says(&rig.refusal(guest!("bad_name"), everything()).await, &["bad-name", "two words"]);
    assert_says(&rig.refusal(guest!("duplicate_tools"), everything()).await, &["duplicate-tools", "twin"]);
}

#[tokio::test]
async fn a_refused_plugin_leaves_the_others_alone() {
    let rig = Rig::new();
    let echo = rig.load(guest!("echo")).await;
    rig.refusal(guest!("trap_in_list"), everything()).await;
    rig.call(&*echo, "echo", r#"{"text":"still here"}"#).await.unwrap();
}
