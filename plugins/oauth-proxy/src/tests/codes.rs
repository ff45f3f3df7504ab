//! Authorization codes.

use portcullis_plugin::auth::Verdict;
use serde_json::json;

use super::world::{RESOURCE, VERIFIER, World, body, claims, header, refused, str_of};
use crate::secret::digest;

#[test]
fn a_code_becomes_tokens_of_ours_for_this_resource_client_and_person() {
    let world = World::new();
    let (client, tokens) = world.login();
    let found = claims(&str_of(&tokens, "access_token"));
    assert_eq!(
        (str_of(&found, "iss"), str_of(&found, "sub"), str_of(&found, "idp")),
        ("https://mcp.example.com".into(), "alice".into(), "https://id.example.com".into())
    );
    assert_eq!(
        (found["aud"].clone(), found["client_id"].clone(), found["scope"].clone()),
        (json!([RESOURCE]), json!(client), json!("read write"))
    );
    assert_eq!(found["exp"].as_u64().unwrap() - found["iat"].as_u64().unwrap(), 600);
    assert_eq!(
        (tokens["token_type"].clone(), tokens["expires_in"].clone(), tokens["scope"].clone()),
        (json!("Bearer"), json!(600), json!("read write"))
    );
    assert!(!tokens.to_string().contains("upstream"), "no token of the provider leaves (RS-7)");
}

#[test]
fn answers_with_tokens_are_kept_by_nobody() {
    let world = World::new();
    let client = world.client();
    let response = world.redeem(&client, &world.code(&client, &[]), &[]);
    assert_eq!(
        (header(&response, "cache-control"), header(&response, "content-type")),
        (Some("no-store"), Some("application/json"))
    );
}

#[test]
fn w4_a_code_that_comes_twice_ends_the_login() {
    let world = World::new();
    let client = world.client();
    let code = world.code(&client, &[]);
    let tokens = body(&world.redeem(&client, &code, &[]));
    let Verdict::Principal(identity) = world.judge(&str_of(&tokens, "access_token")) else { panic!("refused") };
    assert_eq!(refused(&world.redeem(&client, &code, &[])), (400, "invalid_grant".into()));
    assert_eq!(*world.host.revoked.borrow(), [identity.grant.unwrap()]);
    assert_eq!(refused(&world.refresh(&client, &str_of(&tokens, "refresh_token"), &[])), (400, "invalid_grant".into()));
    assert_eq!((world.host.has("grant"), world.host.has("tokens")), (0, 0));
}

#[test]
fn w13_of_two_who_redeem_a_code_at_once_one_gets_tokens_at_most_and_none_lives_on() {
    let world = World::new();
    let client = world.client();
    let code = world.code(&client, &[]);
    let (form, id) = (code.clone(), client.clone());
    // Just before the first one writes, the other replica has the same code.
    *world.host.meanwhile.borrow_mut() = Some((
        "grant/",
        Box::new(move |host| {
            let other = World::new();
            let call = crate::port::Call { host, site: &other.site, settings: &other.settings, client: "192.0.2.9" };
            let form = crate::parameters::encoded([("code", form.as_str()), ("code_verifier", VERIFIER)]);
            assert!(crate::code::redeem(call, &id, &crate::parameters::Parameters::parse(&form).unwrap()).is_err());
        }),
    ));
    assert_eq!(refused(&world.redeem(&client, &code, &[])), (400, "invalid_grant".into()));
    // No access token was issued: there is none to revoke.
    assert_eq!((world.host.has("grant"), world.host.revoked.borrow().len()), (0, 0));
}

#[test]
fn code_injection_a_code_is_bound_to_client_redirect_uri_and_verifier_and_gone_after_one_try() {
    let world = World::new();
    let (client, other) = (world.client(), world.client());
    let wrong = "a".repeat(43);
    for over in [
        ("client_id", other.as_str()),
        ("redirect_uri", "https://client.example.com/other"),
        ("code_verifier", &wrong),
        ("code_verifier", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ] {
        let code = world.code(&client, &[]);
        assert_eq!(refused(&world.redeem(&client, &code, &[over])), (400, "invalid_grant".into()), "{over:?}");
        assert_eq!(refused(&world.redeem(&client, &code, &[])), (400, "invalid_grant".into()), "{over:?}");
    }
    let code = world.code(&client, &[]);
    assert_eq!(refused(&world.redeem(&client, &code, &[("code_verifier", "")])), (400, "invalid_request".into()));
}

#[test]
fn a_code_is_good_for_a_minute_and_only_its_hash_is_kept() {
    let world = World::new();
    let client = world.client();
    let code = world.code(&client, &[]);
    assert!(world.host.dump().iter().any(|(key, _)| key.starts_with("code/") && key.ends_with(&digest(&code))));
    world.pass(61);
    assert_eq!(refused(&world.redeem(&client, &code, &[])), (400, "invalid_grant".into()));
}

#[test]
fn w5_the_token_endpoint_reads_resource_too() {
    let world = World::new();
    let client = world.client();
    let code = world.code(&client, &[]);
    assert_eq!(
        refused(&world.redeem(&client, &code, &[("resource", "https://evil.example/mcp")])),
        (400, "invalid_target".into())
    );
    let code = world.code(&client, &[]);
    assert_eq!(world.redeem(&client, &code, &[("resource", "https://mcp.example.com/mcp/")]).status, 200);
}

#[test]
fn w6_errors_are_those_of_rfc_6749() {
    let world = World::new();
    let client = world.client();
    assert_eq!(refused(&world.redeem(&client, "unknown", &[])), (400, "invalid_grant".into()));
    assert_eq!(refused(&world.redeem(&client, "c", &[("grant_type", "password")])), (400, "unsupported_grant_type".into()));
    assert_eq!(refused(&world.redeem(&client, "c", &[("grant_type", "")])), (400, "invalid_request".into()));
    assert_eq!(refused(&world.redeem("0123456789012345678901", "c", &[])), (401, "invalid_client".into()));
    assert_eq!(refused(&world.redeem(&client, "c", &[("client_id", "")])), (400, "invalid_request".into()));
    let twice = world.send(
        "POST",
        "/token",
        &[("content-type", "application/x-www-form-urlencoded")],
        "grant_type=a&grant_type=a&client_id=x",
    );
    assert_eq!(refused(&twice), (400, "invalid_request".into()));
    let json = world.send("POST", "/token", &[("content-type", "application/json")], "{}");
    assert_eq!(refused(&json), (400, "invalid_request".into()));
    let basic = world.send(
        "POST",
        "/token",
        &[("content-type", "application/x-www-form-urlencoded"), ("authorization", "Basic eA==")],
        "grant_type=a",
    );
    assert_eq!(refused(&basic), (401, "invalid_client".into()));
    assert!(header(&basic, "www-authenticate").is_some_and(|challenge| challenge.starts_with("Basic ")));
}

#[test]
fn a_client_whose_login_succeeded_stays_registered() {
    let world = World::new();
    let (client, tokens) = world.login();
    world.pass(86_401);
    assert_eq!(world.refresh(&client, &str_of(&tokens, "refresh_token"), &[]).status, 200);
    let unused = World::new();
    let client = unused.client();
    unused.pass(86_401);
    assert_eq!(refused(&unused.redeem(&client, "c", &[])), (401, "invalid_client".into()));
}

#[test]
fn w20_rich_requests_are_carried_from_the_client_to_the_token() {
    let details = json!([{"type": "project", "id": "p1"}]);
    let login = |settings: serde_json::Value, upstream: serde_json::Value| {
        let world = World::with(json!({"authorizationDetails": settings}));
        world.host.provider.borrow_mut().members = upstream;
        let client = world.client();
        let code = world.code(&client, &[("authorization_details", &details.to_string())]);
        let tokens = body(&world.redeem(&client, &code, &[]));
        (world, client, tokens)
    };
    let (world, client, tokens) = login(json!({"types": ["project"]}), json!({}));
    assert_eq!(
        (tokens["authorization_details"].clone(), claims(&str_of(&tokens, "access_token"))["authorization_details"].clone()),
        (details.clone(), details.clone())
    );
    let Verdict::Principal(identity) = world.judge(&str_of(&tokens, "access_token")) else { panic!("refused") };
    assert_eq!(identity.authorization_details, Some(details.to_string()));
    let more = json!([{"type": "project", "id": "p2"}]).to_string();
    let widened = world.refresh(&client, &str_of(&tokens, "refresh_token"), &[("authorization_details", &more)]);
    assert_eq!(refused(&widened), (400, "invalid_authorization_details".into()));
    // The provider decides, if it is asked.
    let granted = json!([{"type": "project", "id": "p1", "role": "reader"}]);
    let (_, _, tokens) = login(json!({"types": ["project"], "forward": true}), json!({"authorization_details": granted}));
    assert_eq!(tokens["authorization_details"], granted);
}

#[test]
fn rich_requests_are_never_dropped_and_narrowed_by_the_provider() {
    let world = World::with(json!({"authorizationDetails": {"types": ["project"], "forward": true}}));
    let (one, two) = (json!({"type": "project", "id": "p1"}), json!({"type": "project", "id": "p2"}));
    world.host.provider.borrow_mut().members = json!({"authorization_details": [one, two]});
    let client = world.client();
    let code = world.code(&client, &[("authorization_details", &json!([one, two]).to_string())]);
    let tokens = body(&world.redeem(&client, &code, &[]));
    let dropped = world.refresh(&client, &str_of(&tokens, "refresh_token"), &[("authorization_details", "[]")]);
    assert_eq!(refused(&dropped), (400, "invalid_authorization_details".into()));
    world.pass(3_600);
    world.host.provider.borrow_mut().members = json!({"authorization_details": [two, {"type": "project", "id": "p3"}]});
    let tokens = body(&world.refresh(&client, &str_of(&tokens, "refresh_token"), &[]));
    assert_eq!(tokens["authorization_details"], json!([two]));
}

#[test]
fn what_the_provider_narrows_is_kept_though_it_sends_no_id_token() {
    let world = World::with(json!({"authorizationDetails": {"types": ["project"], "forward": true}}));
    let (one, two) = (json!({"type": "project", "id": "p1"}), json!({"type": "project", "id": "p2"}));
    world.host.provider.borrow_mut().members = json!({"authorization_details": [one, two]});
    let client = world.client();
    let code = world.code(&client, &[("authorization_details", &json!([one, two]).to_string())]);
    let refresh = |tokens: &serde_json::Value| {
        world.pass(3_600);
        world.refresh(&client, &str_of(tokens, "refresh_token"), &[])
    };
    let tokens = body(&world.redeem(&client, &code, &[]));
    world.host.provider.borrow_mut().members = json!({"authorization_details": [two], "id_token": null});
    let tokens = body(&refresh(&tokens));
    assert_eq!(tokens["authorization_details"], json!([two]));
    world.host.provider.borrow_mut().members = json!({"id_token": null});
    let tokens = body(&refresh(&tokens));
    assert_eq!(tokens["authorization_details"], json!([two]), "an answer that says nothing changes nothing");
    // Nothing left would be a token without any restriction.
    world.host.provider.borrow_mut().members = json!({"authorization_details": [], "id_token": null});
    assert_eq!(refused(&refresh(&tokens)), (400, "invalid_grant".into()));
    assert_eq!(world.host.has("grant"), 0);
}
