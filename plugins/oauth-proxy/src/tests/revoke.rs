//! Revocation and introspection.

use portcullis_plugin::auth::http::HttpError;
use serde_json::{Value, json};

use super::world::{World, body, claims, refused, str_of};

fn revoke(world: &World, client: &str, token: &str) -> portcullis_plugin::auth::routes::Response {
    world.form("/revoke", &[("client_id", client), ("token", token)])
}

#[test]
fn w1_w2_w3_a_public_client_ends_the_whole_login_with_either_token() {
    for kind in ["access_token", "refresh_token"] {
        let world = World::new();
        let (client, tokens) = world.login();
        assert_eq!(revoke(&world, &client, &str_of(&tokens, kind)).status, 200);
        assert_eq!(*world.host.revoked.borrow(), [str_of(&claims(&str_of(&tokens, "access_token")), "grant")], "{kind}");
        assert_eq!(refused(&world.refresh(&client, &str_of(&tokens, "refresh_token"), &[])), (400, "invalid_grant".into()));
        assert_eq!((world.host.has("grant"), world.host.has("tokens")), (0, 0));
    }
}

#[test]
fn w1_a_client_that_logs_out_late_ends_the_login_with_a_token_that_is_over() {
    let world = World::new();
    let (client, tokens) = world.login();
    let access = str_of(&tokens, "access_token");
    world.pass(700);
    // Of another key, another issuer, another client: nothing, nothing, a refusal.
    let parts: Vec<&str> = access.split('.').collect();
    let forged = format!("{}.{}.{}", parts[0], parts[1], crate::secret::encode(b"ring other"));
    let mut foreign = claims(&access);
    foreign["iss"] = json!("https://other.example.com");
    let foreign = super::fake::signed(&json!({"alg": "EdDSA", "typ": "at+jwt"}), &foreign, "ring oauth-proxy");
    assert_eq!((revoke(&world, &client, &forged).status, revoke(&world, &client, &foreign).status), (200, 200));
    assert_eq!(refused(&revoke(&world, &world.client(), &access)), (400, "invalid_grant".into()));
    assert_eq!(world.host.has("grant"), 1);
    assert_eq!((revoke(&world, &client, &access).status, world.host.has("grant")), (200, 0));
    // Tokens of logins that ended long ago do not fill the list of revocations.
    assert_eq!((revoke(&world, &client, &access).status, world.host.revoked.borrow().len()), (200, 1));
}

#[test]
fn the_providers_token_is_revoked_there_and_ours_never_goes_there() {
    let world = World::new();
    let (client, tokens) = world.login();
    revoke(&world, &client, &str_of(&tokens, "refresh_token"));
    let forms = world.host.provider.borrow().forms.clone();
    let (url, form) = forms.last().unwrap();
    assert!(url.ends_with("/revoke") && form.contains("token=upstream-refresh-0"), "{form}");
    assert!(forms.iter().all(|(_, form)| !form.contains("pcl_rt_")));
}

#[test]
fn tokens_of_another_provider_go_to_no_one_when_their_login_ends() {
    let mut world = World::new();
    let (client, tokens) = world.login();
    let before = world.host.provider.borrow().forms.len();
    world.settings.upstream.issuer = "https://other.example.com".to_owned();
    assert_eq!(revoke(&world, &client, &str_of(&tokens, "refresh_token")).status, 200);
    assert_eq!((world.host.provider.borrow().forms.len(), world.host.has("tokens")), (before, 0));
}

#[test]
fn a_provider_that_is_down_does_not_keep_a_login_alive() {
    let world = World::new();
    let (client, tokens) = world.login();
    world.host.provider.borrow_mut().trouble = Some(Err(HttpError::Timeout("slow".into())));
    assert_eq!(revoke(&world, &client, &str_of(&tokens, "refresh_token")).status, 200);
    assert_eq!((world.host.has("grant"), world.host.revoked.borrow().len()), (0, 1));
}

#[test]
fn a_refresh_token_that_was_replaced_ends_its_login_too() {
    let world = World::new();
    let (client, tokens) = world.login();
    world.refresh(&client, &str_of(&tokens, "refresh_token"), &[]);
    assert_eq!(revoke(&world, &client, &str_of(&tokens, "refresh_token")).status, 200);
    assert_eq!(world.host.has("grant"), 0);
}

#[test]
fn the_last_access_token_of_a_login_that_idled_out_is_revoked_all_the_same() {
    let world = World::with(json!({"lifetimes": {"idleSeconds": 600, "accessSeconds": 3_600}}));
    let (client, tokens) = world.login();
    let access = str_of(&tokens, "access_token");
    world.pass(700);
    assert_eq!((world.host.has("grant"), revoke(&world, &client, &access).status), (0, 200));
    assert_eq!(*world.host.revoked.borrow(), [str_of(&claims(&access), "grant")]);
}

#[test]
fn an_unknown_token_is_fine_an_unknown_client_and_another_clients_token_are_not() {
    let world = World::new();
    let (client, tokens) = world.login();
    for unknown in ["x", "a.b.c", "pcl_rt_AAAA"] {
        assert_eq!(revoke(&world, &client, unknown).status, 200);
    }
    for kind in ["access_token", "refresh_token"] {
        assert_eq!(refused(&revoke(&world, &world.client(), &str_of(&tokens, kind))), (400, "invalid_grant".into()));
    }
    assert_eq!(refused(&revoke(&world, "0123456789012345678901", "x")), (401, "invalid_client".into()));
    assert_eq!(refused(&world.form("/revoke", &[("client_id", &client)])), (400, "invalid_request".into()));
    assert!(world.host.revoked.borrow().is_empty());
}

#[test]
fn w20_whoever_has_the_secret_for_it_may_ask_what_a_token_is_worth() {
    let world = World::with(json!({"introspectionSecret": "known"}));
    let (client, tokens) = world.login();
    let ask = |token: &str, secret: &str| -> (u16, Value) {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", secret)];
        let response = world.send("POST", "/introspect", &headers, &format!("token={token}"));
        (response.status, body(&response))
    };
    let good = "Bearer sixteen-bytes-or-more";
    let (access, refresh) = (str_of(&tokens, "access_token"), str_of(&tokens, "refresh_token"));
    let (_, answer) = ask(&access, good);
    assert_eq!(
        (answer["active"].clone(), answer["sub"].clone(), answer["scope"].clone()),
        (json!(true), json!("alice"), json!("read write"))
    );
    assert_eq!(ask(&refresh, good).1["active"], json!(true));
    assert_eq!(ask("x", good), (200, json!({"active": false})));
    for bad in ["Bearer wrong", "Basic sixteen-bytes-or-more", ""] {
        assert_eq!(ask(&access, bad).0, 401);
    }
    revoke(&world, &client, &refresh);
    assert_eq!((ask(&access, good).1, ask(&refresh, good).1), (json!({"active": false}), json!({"active": false})));
}

#[test]
fn without_a_secret_nobody_may_ask() {
    for settings in [json!({}), json!({"introspectionSecret": "absent"})] {
        let world = World::with(settings);
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", "Bearer ")];
        let response = world.send("POST", "/introspect", &headers, "token=x");
        assert_eq!((response.status, super::world::header(&response, "www-authenticate")), (401, Some("Bearer")));
    }
}

#[test]
fn a_secret_that_is_too_short_opens_nothing() {
    let world = World::with(json!({"introspectionSecret": "short", "operatorSecret": "brief"}));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", "Bearer fifteen-bytes-x")];
    assert_eq!(world.send("POST", "/introspect", &headers, "token=x").status, 401);
    let headers = [("authorization", "Bearer fifteen-bytes-y")];
    assert_eq!(world.send("GET", "/logins?subject=alice", &headers, "").status, 401);
}

#[test]
fn a_login_ends_though_its_revocation_cannot_be_noted() {
    let world = World::new();
    let (_, tokens) = world.login();
    world.host.revokes.set(false);
    let id = str_of(&claims(&str_of(&tokens, "access_token")), "grant");
    assert!(crate::grant::end(world.call(), &id).is_err(), "the operator hears of it");
    assert_eq!((world.host.has("grant"), world.host.has("tokens")), (0, 0));
}
