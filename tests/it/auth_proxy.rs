//! Logging in through oauth-proxy at a real provider: registration, consent, login, code, tokens, refresh, revocation; and what must not work.

use portcullis_tests::application::{App, HOME, VERIFIER, agent, get};
use portcullis_tests::browser::{Browser, Page, origin, parameter};
use portcullis_tests::logins::{Plan, Rig, provider_tokens};
use serde_json::{Value, json};

use crate::auth_rig::whoami;
use crate::serve_rig::{Client, until};

#[test]
fn somebody_logs_in_calls_a_tool_refreshes_and_is_out_after_revocation() {
    let Some(rig) = Rig::start() else { return };
    let (url, app) = (rig.mcp(), rig.app());
    let tokens = app.log_in("alice", &url, "read write");
    assert_eq!(tokens["scope"], "read write");
    assert_eq!(whoami(&url, &tokens["access_token"]), Ok(format!("alice@{} dba,staff", rig.idp.issuer())), "{}", rig.host.log());

    let (status, next) = app.refresh(&tokens["refresh_token"]);
    assert_eq!(status, 200, "{next}");
    assert!(whoami(&url, &next["access_token"]).is_ok());
    assert_ne!(next["refresh_token"], tokens["refresh_token"]);
    // Somebody else's, with the same application.
    let bob = app.log_in("bob", &url, "read");
    assert!(whoami(&url, &bob["access_token"]).unwrap().starts_with("bob@"));

    assert_eq!(app.revoke(&next["access_token"]), 200);
    for token in [&tokens["access_token"], &next["access_token"]] {
        assert_eq!(whoami(&url, token), Err(401), "the whole login is over");
    }
    assert_eq!(app.refresh(&next["refresh_token"]).0, 400);
    assert!(whoami(&url, &bob["access_token"]).is_ok(), "and no other");
}

#[test]
fn metadata_leads_from_the_endpoint_to_the_login() {
    let Some(rig) = Rig::start() else { return };
    let response = agent().post(rig.mcp()).send_json(json!({})).unwrap();
    assert_eq!(response.status(), 401);
    let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.contains("scope=\"read write\"") && !challenge.contains("error="), "{challenge}");
    let metadata = challenge.split("resource_metadata=\"").nth(1).unwrap().split('"').next().unwrap();
    let (_, resource) = get(metadata);
    assert_eq!((&resource["resource"], &resource["authorization_servers"]), (&json!(rig.mcp()), &json!([rig.main])));
    for form in ["oauth-authorization-server", "openid-configuration"] {
        let (status, server) = get(&format!("{}/.well-known/{form}", rig.main));
        assert_eq!((status, &server["issuer"]), (200, &json!(rig.main)));
        assert_eq!(server["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(server["authorization_response_iss_parameter_supported"], true);
    }
}

#[test]
fn the_answer_of_a_login_says_whose_it_is() {
    let Some(rig) = Rig::start() else { return };
    let back = Browser::new(HOME).log_in(&rig.app().authorization(&rig.mcp(), "read"), "alice").unwrap();
    assert_eq!(parameter(&back, "iss"), Some(rig.main.clone()), "{back}");
}

#[test]
fn a_refresh_token_that_was_replaced_is_good_for_a_moment_and_then_ends_the_login() {
    let Some(plan) = Plan::new() else { return };
    let rig = plan.with("oauth-proxy", "lifetimes", json!({"graceSeconds": 4})).serve();
    let (url, app) = (rig.mcp(), rig.app());
    let first = app.log_in("alice", &url, "read");
    let (_, second) = app.refresh(&first["refresh_token"]);
    let (status, again) = app.refresh(&first["refresh_token"]);
    assert_eq!((status, &again["refresh_token"]), (200, &second["refresh_token"]), "the same successor");
    let (status, third) = app.refresh(&second["refresh_token"]);
    assert_eq!(status, 200, "{third}");
    std::thread::sleep(std::time::Duration::from_secs(6));
    assert_eq!(app.refresh(&first["refresh_token"]).0, 400);
    assert_eq!(app.refresh(&third["refresh_token"]).0, 400, "two have had it: the login is over");
    assert_eq!(whoami(&url, &third["access_token"]), Err(401));
}

#[test]
fn a_code_is_good_once_and_a_second_use_ends_the_login() {
    let Some(rig) = Rig::start() else { return };
    let (url, app) = (rig.mcp(), rig.app());
    let code = app.code("alice", &url, "read");
    let (status, tokens) = app.redeem(&code);
    assert_eq!(status, 200, "{tokens}");
    assert!(whoami(&url, &tokens["access_token"]).is_ok());
    let (status, refusal) = app.redeem(&code);
    assert_eq!((status, &refusal["error"]), (400, &json!("invalid_grant")));
    assert_eq!(whoami(&url, &tokens["access_token"]), Err(401));
}

#[test]
fn of_many_who_redeem_a_code_at_once_one_gets_tokens() {
    let Some(rig) = Rig::start() else { return };
    let app = rig.app();
    let code = app.code("alice", &rig.mcp(), "read");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let each: Vec<_> = (0..8).map(|_| scope.spawn(|| app.redeem(&code).0)).collect();
        each.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(statuses.iter().filter(|status| **status == 200).count() <= 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 400)), "{statuses:?}");
}

#[test]
fn only_access_tokens_of_the_proxy_open_its_endpoint() {
    let Some(rig) = Rig::start() else { return };
    let (url, app) = (rig.mcp(), rig.app());
    let tokens = app.log_in("alice", &url, "read");
    let upstream = provider_tokens(&rig.idp, "alice", &url);
    let told = rig.idp.control(&json!({})).unwrap();
    assert!(!told.issued.is_empty());
    for (what, token) in [("refresh token", &tokens["refresh_token"]), ("provider's token", &upstream["access_token"])] {
        assert_eq!(whoami(&url, token), Err(401), "{what}");
    }
    for token in told.issued {
        assert_eq!(whoami(&url, &json!(token)), Err(401), "of the provider");
    }
    assert_eq!(whoami(&rig.direct(), &tokens["access_token"]), Err(401), "the other endpoint does not know it");
}

#[test]
fn a_consent_counts_only_from_the_browser_that_was_asked_and_so_does_the_login() {
    let Some(rig) = Rig::start() else { return };
    let app = rig.app();
    let mut victim = Browser::new(HOME);
    let page = victim.open(&app.authorization(&rig.mcp(), "read")).unwrap();
    assert!(page.body.contains("tests") && page.body.contains("127.0.0.1"), "{}", page.body);
    assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"), "{page:?}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let elsewhere = Browser::new(HOME).submit(&page, &[("answer", "approve")]).unwrap();
    assert_eq!(elsewhere.status, 403, "{}", elsewhere.body);

    // An attacker agrees in his own browser, and sends the rest of the login to somebody else.
    let mut attacker = Browser::new(&format!("{}/auth/callback", rig.main));
    let callback = attacker.log_in(&app.authorization(&rig.mcp(), "read"), "bob").unwrap();
    let brought = victim.open(&callback).unwrap();
    assert_eq!(brought.status, 403, "{}", brought.body);
    assert_eq!(origin(&brought.url), rig.main);
}

#[test]
fn who_refuses_is_sent_back_with_access_denied_and_the_provider_hears_nothing() {
    let Some(rig) = Rig::start() else { return };
    rig.idp.control(&json!({})).unwrap();
    let mut browser = Browser::new(HOME);
    let page = browser.open(&rig.app().authorization(&rig.mcp(), "read")).unwrap();
    let back = browser.submit(&page, &[("answer", "deny")]).unwrap();
    assert_eq!(parameter(&back.url, "error").as_deref(), Some("access_denied"), "{}", back.url);
    assert_eq!(parameter(&back.url, "iss"), Some(rig.main.clone()));
    let asked = rig.idp.control(&json!({})).unwrap().asked;
    assert!(!asked.iter().any(|one| one.contains("/auth")), "{asked:?}");
}

#[test]
fn a_tool_that_needs_more_scopes_says_which_and_a_login_with_them_may() {
    let Some(rig) = Rig::start() else { return };
    let (url, app) = (rig.mcp(), rig.app());
    let erase = |token: &Value| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "erase", "arguments": {}, "_meta": crate::serve_rig::meta()}});
        let post = agent().post(&url).header("accept", "application/json, text/event-stream").header("mcp-method", "tools/call");
        let post = post.header("mcp-protocol-version", "2026-07-28").header("mcp-name", "erase");
        post.header("authorization", format!("Bearer {}", token.as_str().unwrap())).send_json(body).unwrap()
    };
    let few = app.log_in("alice", &url, "read write");
    let refused = erase(&few["access_token"]);
    assert_eq!(refused.status(), 403, "{}", rig.host.log());
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"admin read write\""),
        "{challenge}"
    );
    let more = app.log_in("alice", &url, "admin read write");
    assert_eq!(erase(&more["access_token"]).status(), 200, "{}", rig.host.log());
}

/// A page that leads back to the application with this error: nobody is sent there who has not agreed to it.
fn is_told(page: &Page, wanted: &str) {
    let link = page.body.split("href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let error = parameter(&link.replace("&amp;", "&"), "error");
    assert_eq!((page.status, error.as_deref()), (400, Some(wanted)), "{page:?}");
}

#[test]
fn requests_that_downgrade_or_trick_get_no_code() {
    let Some(rig) = Rig::start() else { return };
    let app = rig.app();
    let good = app.authorization(&rig.mcp(), "read");
    let told = |url: &str, wanted: &str| is_told(&Browser::new(HOME).open(url).unwrap(), wanted);
    told(&good.replace("S256", "plain"), "invalid_request");
    told(&good.replace("&code_challenge_method=S256", ""), "invalid_request");
    told(&good.replace("code_challenge=", "no_challenge="), "invalid_request");
    told(&format!("{good}&scope=write"), "invalid_request");
    told(&good.replace("response_type=code", "response_type=token"), "unsupported_response_type");
    told(&app.authorization("https://evil.example/mcp", "read"), "invalid_target");
    for redirect in [
        "http%3A%2F%2F127.0.0.1%2Fapp%23x",
        "http%3A%2F%2Fu%40127.0.0.1%2Fapp",
        "http%3A%2F%2F127.0.0.1%2Fa%2F..%2Fapp",
        "https%3A%2F%2Fevil.example%2Fapp",
    ] {
        let page = Browser::new("http://nobody").open(&good.replace("http%3A%2F%2F127.0.0.1%2Fapp", redirect)).unwrap();
        assert_eq!(page.status, 400, "{redirect}: {page:?}");
    }
}

#[test]
fn a_code_is_worth_nothing_without_its_verifier_or_to_another_client() {
    let Some(rig) = Rig::start() else { return };
    let (app, other) = (rig.app(), rig.app());
    let stolen = |client: &App, code: &str, verifier: &str| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
            ("client_id", client.id.as_str()),
        ];
        agent().post(&client.token).send_form(form).unwrap().status().as_u16()
    };
    assert_eq!(stolen(&app, &app.code("alice", &rig.mcp(), "read"), &VERIFIER.replace('d', "e")), 400);
    assert_eq!(stolen(&other, &app.code("alice", &rig.mcp(), "read"), VERIFIER), 400);
}

#[test]
fn a_login_whose_provider_gives_encrypted_or_opaque_tokens_is_refreshed_there() {
    let Some(rig) = Rig::start() else { return };
    let (url, app) = (rig.mcp(), rig.app());
    let kinds = [
        json!({"encrypted": true, "format": "jwt"}),
        json!({"encrypted": false, "format": "opaque"}),
        json!({"format": "jwt", "indicators": false}),
    ];
    for kind in kinds {
        // A token that ends within a minute counts as over: each refresh goes to the provider.
        let mut switches = kind.clone();
        switches["accessTokenTTL"] = json!(30);
        switches["resource"] = json!("https://api.example");
        rig.idp.control(&switches).unwrap();
        let tokens = app.log_in("alice", &url, "read");
        let before = rig.idp.control(&json!({})).unwrap().asked;
        assert!(before.contains(&"POST /token".to_owned()), "{before:?}");
        let (status, next) = app.refresh(&tokens["refresh_token"]);
        assert_eq!(status, 200, "{kind}: {next}\n{}", rig.host.log());
        let asked = rig.idp.control(&json!({})).unwrap().asked;
        assert!(asked.contains(&"POST /token".to_owned()), "{kind}: {asked:?}");
        assert!(whoami(&url, &next["access_token"]).is_ok());
    }
}

#[test]
fn rich_authorization_requests_go_to_the_provider_and_come_back_as_granted() {
    let Some(plan) = Plan::new() else { return };
    let mut plan = plan.with("oauth-proxy", "authorizationDetails", json!({"types": ["database"], "forward": true}));
    // The host's own policy does not read them: an endpoint takes such tokens only if it says so.
    plan.config["listeners"][0]["endpoints"][0]["authorizationDetails"] = json!("ignore");
    let rig = plan.serve();
    rig.idp.control(&json!({"details": true, "resource": "https://api.example"})).unwrap();
    let app = rig.app();
    let details = json!([{"type": "database", "name": "orders"}]);
    let with = |details: &Value| {
        let encoded = portcullis_tests::browser::encoded(&details.to_string());
        format!("{}&authorization_details={encoded}", app.authorization(&rig.mcp(), "read"))
    };
    let page = Browser::new(HOME).open(&with(&details)).unwrap();
    assert!(page.body.contains("orders"), "shown before consent: {}", page.body);
    let back = Browser::new(HOME).log_in(&with(&details), "alice").unwrap();
    let (status, tokens) = app.redeem(&parameter(&back, "code").unwrap_or_else(|| panic!("{back}\n{}", rig.host.log())));
    assert_eq!((status, &tokens["authorization_details"]), (200, &details), "{tokens}");
    let (_, next) = app.refresh(&tokens["refresh_token"]);
    assert_eq!(next["authorization_details"], details, "and no more after a refresh");
    assert!(whoami(&rig.mcp(), &next["access_token"]).is_ok(), "{}", rig.host.log());
    let unknown = Browser::new(HOME).open(&with(&json!([{"type": "other"}]))).unwrap();
    is_told(&unknown, "invalid_authorization_details");
}

#[test]
fn new_versions_of_strategies_and_restarts_drop_no_login() {
    let Some(mut rig) = Rig::start() else { return };
    let (url, app) = (rig.mcp(), rig.app());
    let tokens = app.log_in("alice", &url, "read");
    let half_way = app.code("bob", &url, "read");
    let path = rig.host.installation().path().join("plugins/oauth-proxy.wasm");
    // A custom section more: another digest, the same code.
    let mut component = std::fs::read(&path).unwrap();
    component.extend([0, 6, 4, b'n', b'e', b'x', b't', 0]);
    std::fs::write(path.with_extension("next"), &component).unwrap();
    std::fs::rename(path.with_extension("next"), &path).unwrap();
    until(&rig.host, "the new version", || (rig.host.log().matches("loaded plugin=\"oauth-proxy\"").count() >= 2).then_some(()));
    until(&rig.host, "its publication", || (rig.host.log().matches("published").count() >= 1).then_some(()));

    assert!(whoami(&url, &tokens["access_token"]).is_ok(), "{}", rig.host.log());
    assert_eq!(app.refresh(&tokens["refresh_token"]).0, 200);
    assert_eq!(app.redeem(&half_way).0, 200, "a login that was half way goes on");
    assert!(Client::with_token(&url, tokens["access_token"].as_str().unwrap()).tools().contains(&"whoami".to_owned()));

    let half_way = app.code("bob", &url, "read");
    rig.host.restart().unwrap();
    assert!(whoami(&url, &tokens["access_token"]).is_ok(), "{}", rig.host.log());
    assert_eq!(app.redeem(&half_way).0, 200, "also over a restart");
    assert!(app.log_in("alice", &url, "read").is_object());
}

#[test]
fn people_see_as_whom_they_are_signed_in_before_the_application_gets_a_code() {
    let Some(plan) = Plan::new() else { return };
    let rig = plan.with("oauth-proxy", "confirm", json!(true)).serve();
    let (app, mut browser) = (rig.app(), Browser::new(HOME));
    // The form that asks for a name is the provider's; the next that asks anything is ours.
    let mut page = browser.open(&app.authorization(&rig.mcp(), "read")).unwrap();
    for _ in 0..9 {
        let person: &[(&str, &str)] = match &page.body {
            body if body.contains("You are signed in as") => break,
            body if body.contains("name=\"password\"") => &[("login", "alice"), ("password", "any")],
            body if body.contains("name=\"answer\"") => &[("answer", "approve")],
            _ => &[],
        };
        page = browser.submit(&page, person).unwrap();
    }
    assert!(page.body.contains("Alice Ångström") && page.body.contains(&rig.idp.port().to_string()), "{}", page.body);
    assert_eq!(Browser::new(HOME).submit(&page, &[("answer", "approve")]).unwrap().status, 403, "in another browser");
    let back = browser.submit(&page, &[("answer", "approve")]).unwrap();
    assert_eq!(app.redeem(&parameter(&back.url, "code").unwrap()).0, 200, "{back:?}");
}

#[test]
fn a_provider_that_wants_signed_assertions_gets_them() {
    let Some(mut plan) = Plan::new() else { return };
    let upstream = json!({"issuer": plan.idp.issuer(), "clientId": "signing", "authentication": "privateKey", "authorizeParameters": {"prompt": "consent"}});
    plan.config["rings"]["oauth-proxy"]["algorithm"] = json!("ES256");
    // No secret goes along.
    plan.config["plugins"]["oauth-proxy"]["grants"]["http"]["rules"][0].as_object_mut().unwrap().remove("inject");
    let rig = plan.with("oauth-proxy", "upstream", upstream).serve();
    let (url, app) = (rig.mcp(), rig.app());
    let tokens = app.log_in("alice", &url, "read");
    assert!(whoami(&url, &tokens["access_token"]).is_ok(), "{}", rig.host.log());
    let (_, keys) = get(&format!("{}/.well-known/jwks.json", rig.main));
    assert_eq!(keys["keys"][0]["alg"], "ES256", "{keys}");
}
