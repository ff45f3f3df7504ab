//! Two hosts that share PostgreSQL are one authorization server: what one issued the other takes, a code is redeemed once at either, and who is
//! out at one is out at the other.

use portcullis_tests::application::App;
use portcullis_tests::logins::Plan;
use serde_json::json;

use crate::auth_rig::whoami;
use crate::postgres::{SKIPPED, Server};
use crate::serve_rig::until;

#[test]
fn two_hosts_with_one_database_are_one_authorization_server() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::start_in(folder.path()) else {
        eprintln!("{SKIPPED}, then run `cargo test --package portcullis-tests auth`");
        return;
    };
    let Some(mut plan) = Plan::new() else { return };
    plan.secret("store", &server.url("postgres"));
    plan.config["store"] = json!({"postgres": "store"});
    let (replica, address) = plan.replica();
    let rig = plan.serve();
    // A balancer would stand before both; here each is called by its own address.
    let there = |url: &str| url.replace(&rig.main, &address);
    let app = rig.app();
    let at_replica = App { authorize: app.authorize.clone(), token: there(&app.token), id: app.id.clone() };

    let code = app.code("alice", &rig.mcp(), "read");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let both = [&app, &at_replica, &app, &at_replica].map(|app| scope.spawn(|| app.redeem(&code).0));
        both.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(statuses.iter().filter(|status| **status == 200).count() <= 1, "{statuses:?}");

    let (status, tokens) = at_replica.redeem(&app.code("alice", &rig.mcp(), "read"));
    assert_eq!(status, 200, "the other one redeems what this one issued: {tokens}\n{}", replica.log());
    let (here, elsewhere) = (rig.mcp(), there(&rig.mcp()));
    assert!(whoami(&here, &tokens["access_token"]).is_ok(), "{}", rig.host.log());
    assert!(whoami(&elsewhere, &tokens["access_token"]).is_ok(), "{}", replica.log());
    let (status, next) = app.refresh(&tokens["refresh_token"]);
    assert_eq!(status, 200, "{next}");

    assert_eq!(app.revoke(&next["refresh_token"]), 200);
    assert_eq!(whoami(&here, &next["access_token"]), Err(401));
    until(&replica, "the other host's revocation", || (whoami(&elsewhere, &next["access_token"]) == Err(401)).then_some(()));
    assert_eq!(at_replica.refresh(&next["refresh_token"]).0, 400);
}
