//! The provider takes connections and never answers: whoever is in stays in, whoever is not is told at once where to log in, the provider is
//! not flooded, and all is well when it is back. How fast "at once" is, the bench says.

use portcullis_tests::application::{HOME, agent, get};
use portcullis_tests::browser::{Browser, parameter};
use portcullis_tests::logins::{Plan, Rig, provider_tokens};
use serde_json::{Value, json};

use crate::auth_rig::whoami;
use crate::serve_rig::until;

#[test]
fn a_host_that_starts_while_the_provider_is_silent_challenges_and_describes_itself() {
    let Some(plan) = Plan::new() else { return };
    plan.idp.control(&json!({"away": true})).unwrap();
    let rig = plan.serve();
    for (origin, path) in [(&rig.main, "/mcp"), (&rig.test, "/test")] {
        let response = agent().post(format!("{origin}{path}")).send_json(json!({})).unwrap();
        assert_eq!(response.status(), 401, "{}", rig.host.log());
        let (status, document) = get(&format!("{origin}/.well-known/oauth-protected-resource{path}"));
        assert_eq!(status, 200, "{document}");
        assert!(document["authorization_servers"][0].is_string(), "{document}");
    }
    assert_eq!(get(&format!("{}/.well-known/oauth-authorization-server", rig.main)).0, 200);

    // A login cannot be finished, and the application hears why.
    let app = rig.app();
    let mut browser = Browser::new(HOME);
    let page = browser.open(&app.authorization(&rig.mcp(), "read")).unwrap();
    let back = browser.submit(&page, &[("answer", "approve")]).unwrap();
    assert_eq!(parameter(&back.url, "error").as_deref(), Some("temporarily_unavailable"), "{}", back.url);

    rig.idp.control(&json!({"away": false})).unwrap();
    let tokens = until(&rig.host, "a login after the outage", || {
        let back = Browser::new(HOME).log_in(&app.authorization(&rig.mcp(), "read"), "alice").unwrap();
        app.redeem(&parameter(&back, "code")?).1.get("access_token").cloned()
    });
    assert!(whoami(&rig.mcp(), &tokens).is_ok());
}

#[test]
fn who_is_logged_in_goes_on_while_the_provider_is_silent() {
    let Some(rig) = Rig::start() else { return };
    let app = rig.app();
    let proxied = app.log_in("alice", &rig.mcp(), "read");
    let direct = provider_tokens(&rig.idp, "alice", &rig.direct());
    let second = provider_tokens(&rig.idp, "bob", &rig.direct());
    assert!(whoami(&rig.direct(), &direct["access_token"]).is_ok(), "{}", rig.host.log());
    rig.idp.control(&json!({"away": true})).unwrap();

    assert!(whoami(&rig.mcp(), &proxied["access_token"]).is_ok());
    // Never judged before: the provider's keys are kept.
    assert!(whoami(&rig.direct(), &second["access_token"]).unwrap().starts_with("bob@"), "{}", rig.host.log());
    let (status, next) = app.refresh(&proxied["refresh_token"]);
    assert_eq!(status, 200, "the provider's own token is good for an hour: {next}");
    for _ in 0..20 {
        assert_eq!(agent().post(rig.direct()).send_json(json!({})).unwrap().status(), 401);
    }
    let asked = rig.idp.control(&json!({})).unwrap().asked;
    assert!(asked.len() <= 2, "one probe at a time, and not one per request: {asked:?}");
}

#[test]
fn a_refresh_that_needs_the_provider_says_later_and_costs_nothing() {
    let Some(rig) = Rig::start() else { return };
    // Ends within a minute, which counts as over.
    rig.idp.control(&json!({"accessTokenTTL": 30})).unwrap();
    let app = rig.app();
    let tokens = app.log_in("alice", &rig.mcp(), "read");
    rig.idp.control(&json!({"away": true})).unwrap();
    let (status, answer) = app.refresh(&tokens["refresh_token"]);
    assert_eq!((status, &answer["error"]), (503, &json!("temporarily_unavailable")), "{answer}");
    assert!(whoami(&rig.mcp(), &tokens["access_token"]).is_ok(), "the access token is still good");
    rig.idp.control(&json!({"away": false})).unwrap();
    let next =
        until(&rig.host, "a refresh after the outage", || Some(app.refresh(&tokens["refresh_token"])).filter(|it| it.0 == 200));
    assert_ne!(next.1["refresh_token"], Value::Null);
}

#[test]
fn who_is_locked_out_at_the_provider_is_locked_out_here_at_the_next_refresh() {
    let Some(rig) = Rig::start() else { return };
    rig.idp.control(&json!({"accessTokenTTL": 30})).unwrap();
    let app = rig.app();
    let tokens = app.log_in("bob", &rig.mcp(), "read");
    rig.idp.control(&json!({"dismissed": "bob"})).unwrap();
    let (status, answer) = app.refresh(&tokens["refresh_token"]);
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")), "{answer}");
    assert_eq!(whoami(&rig.mcp(), &tokens["access_token"]), Err(401), "the login is over");
}
