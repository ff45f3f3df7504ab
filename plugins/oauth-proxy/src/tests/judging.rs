//! Credentials.

use portcullis_plugin::auth::{Rejection, Verdict};
use serde_json::{Value, json};

use super::fake::{NOW, signed};
use super::world::{ORIGIN, RESOURCE, World, str_of};

fn ours(over: Value) -> String {
    made(json!({"alg": "EdDSA", "typ": "at+jwt"}), over, "ring oauth-proxy")
}

fn made(header: Value, over: Value, by: &str) -> String {
    let mut claims = json!({
        "iss": ORIGIN, "sub": "alice", "aud": [RESOURCE], "client_id": "c", "scope": "read", "iat": NOW, "exp": NOW + 600, "jti": "j",
        "auth_time": NOW, "grant": "g", "idp": "https://id.example.com", "groups": [],
    });
    claims.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
    signed(&header, &claims, by)
}

fn rejected(world: &World, token: &str) -> String {
    match world.judge(token) {
        Verdict::Reject(Rejection { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_of_ours_is_the_person_for_whom_the_provider_vouches() {
    let world = World::new();
    let (client, tokens) = world.login();
    let Verdict::Principal(identity) = world.judge(&str_of(&tokens, "access_token")) else { panic!("refused") };
    assert_eq!(
        (identity.subject.as_str(), identity.issuer.as_str(), identity.name.as_deref()),
        ("alice", "https://id.example.com", Some("Alice"))
    );
    assert_eq!(
        (identity.groups, identity.scopes, identity.audience),
        (vec!["dba".into()], vec!["read".into(), "write".into()], vec![RESOURCE.into()])
    );
    assert_eq!((identity.client, identity.expires_at), (Some(client), NOW + 660));
    assert!(identity.grant.is_some_and(|grant| grant.len() == 22));
}

#[test]
fn forged_confused_and_borrowed_tokens_are_refused() {
    let world = World::new();
    let good = json!({"alg": "EdDSA", "typ": "at+jwt"});
    assert!(matches!(world.judge(&ours(json!({}))), Verdict::Principal(_)));
    assert_eq!(rejected(&world, &made(json!({"alg": "none", "typ": "at+jwt"}), json!({}), "ring oauth-proxy")), "invalid");
    assert_eq!(rejected(&world, &made(json!({"alg": "RS256", "typ": "at+jwt"}), json!({}), "ring oauth-proxy")), "invalid");
    assert_eq!(rejected(&world, &made(json!({"alg": "EdDSA", "typ": "JWT"}), json!({}), "ring oauth-proxy")), "invalid");
    assert_eq!(rejected(&world, &made(good.clone(), json!({}), "ring other")), "invalid");
    assert_eq!(rejected(&world, &made(good.clone(), json!({}), "https://id.example.com")), "invalid");
    assert_eq!(rejected(&world, &ours(json!({"exp": NOW - 61}))), "expired");
    assert_eq!(rejected(&world, &ours(json!({"aud": ["https://mcp.example.com/other"]}))), "audience");
    assert_eq!(rejected(&world, &ours(json!({"grant": 7}))), "invalid");
}

#[test]
fn w15_a_token_is_good_until_its_end_and_the_leeway() {
    for (leeway, until) in [(60, NOW + 55), (30, NOW + 25)] {
        let world = World::with(json!({"leewaySeconds": leeway}));
        let Verdict::Principal(identity) = world.judge(&ours(json!({"exp": NOW - 5}))) else { panic!("refused") };
        assert_eq!(identity.expires_at, until);
    }
    assert_eq!(rejected(&World::with(json!({"leewaySeconds": 0})), &ours(json!({"exp": NOW - 5}))), "expired");
}

#[test]
fn token_passthrough_the_providers_token_is_not_ours() {
    let world = World::new();
    let token =
        made(json!({"alg": "RS256", "typ": "at+jwt"}), json!({"iss": "https://id.example.com"}), "https://id.example.com");
    assert_eq!(world.judge(&token), Verdict::NotMine);
    for other in [&format!("{}.more", ours(json!({}))), "opaque", "a.b.c", "a.b.c.d.e", ""] {
        assert_eq!(world.judge(other), Verdict::NotMine);
    }
}

#[test]
fn a_refresh_token_is_no_bearer_token() {
    let world = World::new();
    let (_, tokens) = world.login();
    assert_eq!(world.judge(&str_of(&tokens, "refresh_token")), Verdict::NotMine);
}

#[test]
fn very_many_groups_are_looked_up_and_none_is_lost() {
    let world = World::new();
    let groups: Vec<String> = (0..200).map(|n| format!("a-group-with-a-long-name-{n}")).collect();
    world.host.provider.borrow_mut().claims = json!({"groups": groups});
    let (client, tokens) = world.login();
    let token = str_of(&tokens, "access_token");
    assert!(token.len() < 2_048, "{}", token.len());
    let Verdict::Principal(identity) = world.judge(&token) else { panic!("refused") };
    assert_eq!(identity.groups, groups);
    world.form("/revoke", &[("client_id", &client), ("token", &token)]);
    assert_eq!(rejected(&world, &token), "revoked");
}

#[test]
fn groups_are_where_the_operator_says() {
    let world = World::with(json!({"upstream": {"groupsClaim": "/realm_access/roles"}}));
    world.host.provider.borrow_mut().claims = json!({"realm_access": {"roles": ["r"]}});
    let Verdict::Principal(identity) = world.judge(&str_of(&world.login().1, "access_token")) else { panic!("refused") };
    assert_eq!(identity.groups, ["r"]);
    let none = World::with(json!({"upstream": {"groupsClaim": null}}));
    let Verdict::Principal(identity) = none.judge(&str_of(&none.login().1, "access_token")) else { panic!("refused") };
    assert!(identity.groups.is_empty());
}

#[test]
fn a_login_at_one_listener_is_nothing_at_another() {
    let mut world = World::new();
    let (client, tokens) = world.login();
    world.site.origin = "https://other.example.com".into();
    world.site.resources = vec!["https://other.example.com/mcp".into()];
    assert_eq!(world.judge(&str_of(&tokens, "access_token")), Verdict::NotMine);
    assert_eq!(world.refresh(&client, &str_of(&tokens, "refresh_token"), &[]).status, 401);
}
