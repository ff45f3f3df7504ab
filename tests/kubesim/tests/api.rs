//! One suite, two servers: what clients may rely on, asked of kubesim and of a real API server in the same words.
//! Must not test what only one of them does here; `api/stand_in.rs` does that for kubesim.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod api {
    pub(crate) mod access;
    pub(crate) mod faults;
    pub(crate) mod reads;
    pub(crate) mod server;
    pub(crate) mod stand_in;
    pub(crate) mod watches;
    pub(crate) mod writes;
}

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use api::server::Server;

type Case = (&'static str, fn(Arc<Server>) -> Pin<Box<dyn Future<Output = ()>>>);

macro_rules! cases {
    ($($module:ident :: $case:ident),* $(,)?) => {
        &[$((stringify!($module::$case), |server| Box::pin(api::$module::$case(server)))),*]
    };
}

const CASES: &[Case] = cases![
    reads::discovery_names_every_resource,
    reads::health_and_version_are_open,
    reads::a_missing_object_is_not_found_by_name,
    reads::what_nobody_serves_is_not_found,
    reads::selectors_narrow_a_list,
    reads::a_broken_selector_is_a_bad_request,
    reads::pages_follow_one_another,
    reads::a_broken_continue_token_is_a_bad_request,
    reads::a_table_has_the_printer_columns,
    reads::metadata_alone_carries_no_data,
    reads::protobuf_alone_is_not_acceptable_for_custom_resources,
    writes::a_new_object_is_stamped_and_defaulted,
    writes::a_second_create_already_exists,
    writes::causes_name_the_fields_of_an_invalid_object,
    writes::a_body_that_is_no_such_object_is_refused,
    writes::unknown_fields_are_pruned,
    writes::an_update_needs_the_latest_version,
    writes::generation_follows_the_spec_only,
    writes::a_merge_patch_can_be_guarded_by_the_version,
    writes::a_json_patch_tests_before_it_writes,
    writes::other_patches_are_unsupported,
    writes::an_apply_owns_what_it_names,
    writes::an_apply_needs_a_manager,
    writes::status_has_its_own_endpoint,
    writes::a_dry_run_changes_nothing,
    writes::a_delete_can_be_guarded,
    writes::a_finalizer_holds_its_object,
    writes::a_collection_is_deleted_by_label,
    writes::the_scale_of_a_cluster_is_its_instances,
    writes::string_data_is_encoded,
    watches::a_watch_begins_with_the_state_and_follows,
    watches::a_watch_from_a_version_shows_only_what_came_after,
    watches::a_selected_watch_sees_objects_come_and_go,
    watches::a_watch_ends_when_its_time_is_up,
    access::an_unknown_token_is_unauthorized,
    access::a_refusal_names_the_missing_right,
    access::rules_are_bound_to_namespaces_and_names,
    access::a_user_can_ask_what_it_may_do,
    access::impersonation_needs_the_right_and_takes_the_rights,
];

/// Runs every case, and fails with the names of those that did.
async fn run(server: Server) {
    let server = Arc::new(server);
    let mut failed = Vec::new();
    for (name, case) in CASES {
        let namespace = Arc::new(server.with_namespace(name).await);
        if tokio::task::spawn_local(case(namespace)).await.is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

#[tokio::test]
async fn kubesim_answers_as_the_suite_expects() {
    tokio::task::LocalSet::new().run_until(run(Server::stand_in())).await;
}

#[tokio::test]
async fn a_real_api_server_answers_as_the_suite_expects() {
    match Server::real().await {
        Some(server) => tokio::task::LocalSet::new().run_until(run(server)).await,
        None => eprintln!("{}", kubesim::real::SKIPPED),
    }
}
