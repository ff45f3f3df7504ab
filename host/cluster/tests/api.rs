//! The client against servers: one suite for kubesim and a real API server, planned failures of kubesim, and answers written byte by byte.
//! Must not test what needs no server; the unit tests do that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod api {
    pub(crate) mod asking;
    pub(crate) mod credentials;
    pub(crate) mod failures;
    pub(crate) mod raw;
    pub(crate) mod server;
    pub(crate) mod suite;
    pub(crate) mod wire;
}

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use api::server::Server;

type Case = (&'static str, fn(Arc<Server>) -> Pin<Box<dyn Future<Output = ()>>>);

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        &[$((stringify!($case), |server| Box::pin(api::suite::$case(server)))),*]
    };
}

const CASES: &[Case] = cases![
    an_object_is_created_and_read_in_every_form,
    a_list_comes_in_pages,
    an_apply_owns_its_fields_until_it_is_forced,
    a_dry_run_changes_nothing,
    patches_change_what_they_name_and_conflict_when_they_are_late,
    an_invalid_object_names_its_fields,
    a_delete_is_fenced_by_uid_and_then_the_object_is_gone,
    a_secret_held_by_a_finalizer_comes_back_without_its_values,
    a_watch_follows_an_object_and_ends_in_good_order,
    a_watch_loses_nothing_when_its_future_is_dropped,
    discovery_version_and_access_answer,
    an_unknown_group_is_not_found_in_words,
    a_user_without_rights_is_forbidden_and_the_refusal_names_the_right,
    an_unknown_token_is_unauthorized_and_the_host_not_ready,
    d9_with_impersonation_the_caller_decides_and_nobody_is_anonymous,
];

/// Runs every case, and fails with the names of those that did.
async fn run(server: Server) {
    let server = Arc::new(server);
    let mut failed = Vec::new();
    for (name, case) in CASES {
        if tokio::task::spawn_local(case(Arc::clone(&server))).await.is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

#[tokio::test]
async fn the_suite_holds_against_kubesim() {
    tokio::task::LocalSet::new().run_until(run(Server::stand_in())).await;
}

#[tokio::test]
async fn the_suite_holds_against_a_real_api_server() {
    match Server::real().await {
        Some(server) => tokio::task::LocalSet::new().run_until(run(server)).await,
        None => eprintln!("{}", kubesim::real::SKIPPED),
    }
}
