//! Dynamic client registration.

use serde_json::{Value, json};

use super::world::{REDIRECT, World, body, header, refused, str_of};

#[test]
fn every_member_is_there_and_none_is_null_or_empty() {
    let world = World::new();
    let response =
        world.register(json!({"scope": "read claudeai", "application_type": "native", "logo_uri": "", "client_uri": null}));
    assert_eq!((response.status, header(&response, "cache-control")), (201, Some("no-store")));
    let answer = body(&response);
    for (name, value) in answer.as_object().unwrap() {
        assert!(!value.is_null() && *value != json!("") && *value != json!([]), "{name}");
    }
    assert_eq!(answer["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!((answer["response_types"].clone(), answer["redirect_uris"].clone()), (json!(["code"]), json!([REDIRECT])));
    assert_eq!((str_of(&answer, "token_endpoint_auth_method"), str_of(&answer, "scope")), ("none".into(), "read".into()));
    assert_ne!(str_of(&answer, "client_id"), world.client());
}

#[test]
fn what_a_client_cannot_have_is_replaced_rather_than_refused() {
    let world = World::new();
    let members = json!({"token_endpoint_auth_method": "client_secret_post", "grant_types": ["authorization_code", "urn:x:jwt-bearer"], "scope": "all", "application_type": "odd"});
    let answer = body(&world.register(members));
    assert_eq!((answer["token_endpoint_auth_method"].clone(), answer.get("client_secret")), (json!("none"), None));
    let cursor = json!({"redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback"]});
    assert_eq!(world.register(cursor).status, 201);
}

#[test]
fn w11_w12_bad_redirect_uris_and_too_much_of_anything_are_refused() {
    let world = World::new();
    for uris in [
        json!(["https://client.example.com/cb#x"]),
        json!(["https://client.example.com/cb", "http://evil.example/"]),
        json!(["javascript:alert(1)"]),
        json!([]),
        json!(null),
        json!([7]),
        json!((0..11).map(|n| format!("https://h{n}.example/")).collect::<Vec<_>>()),
    ] {
        assert_eq!(refused(&world.register(json!({"redirect_uris": uris}))), (400, "invalid_redirect_uri".into()), "{uris}");
    }
    assert_eq!(refused(&world.register(json!({"client_name": "n".repeat(17_000)}))).0, 413);
    assert_eq!(refused(&world.register(json!({"grant_types": ["client_credentials"]}))), (400, "invalid_client_metadata".into()));
    assert_eq!(refused(&world.register(json!({"response_types": ["token"]}))), (400, "invalid_client_metadata".into()));
    assert_eq!(refused(&world.send("POST", "/register", &[], "[]")), (400, "invalid_client_metadata".into()));
    assert_eq!(world.host.has("client"), 0);
}

#[test]
fn a_name_is_one_readable_line() {
    let world = World::new();
    let named = |name: Value| str_of(&body(&world.register(json!({"client_name": name}))), "client_name");
    assert_eq!(named(json!(" Claude\r\n\u{202e}edoC ")), "ClaudeedoC");
    assert_eq!(named(json!("n".repeat(300))).len(), 100);
    assert!(named(json!("")).starts_with("client ") && named(json!(7)).starts_with("client "));
}

#[test]
fn w12_a_registration_flood_is_stopped_by_address_and_clients_that_log_in_do_not_count() {
    let world = World::with(json!({"registration": {"perHour": 2}}));
    world.login();
    world.login();
    world.client();
    world.client();
    let response = world.register(json!({}));
    assert_eq!(response.status, 429);
    assert!(header(&response, "retry-after").unwrap().parse::<u64>().unwrap() <= 3_600);
    let elsewhere = World { address: "192.0.2.2".to_owned(), ..world };
    assert_eq!(elsewhere.register(json!({})).status, 201);
    elsewhere.pass(3_601);
    let back = World { address: "192.0.2.1".to_owned(), ..elsewhere };
    assert_eq!(back.register(json!({})).status, 201);
}

#[test]
fn an_ipv6_network_counts_as_one() {
    let mut world = World::with(json!({"registration": {"perHour": 1}}));
    world.address = "2001:db8:1:2::1".to_owned();
    assert_eq!(world.register(json!({})).status, 201);
    world.address = "2001:db8:1:2:ffff::9".to_owned();
    assert_eq!(world.register(json!({})).status, 429);
    world.address = "2001:db8:1:3::1".to_owned();
    assert_eq!(world.register(json!({})).status, 201);
}

#[test]
fn an_operator_can_switch_it_off_and_name_clients_instead() {
    let clients = json!([{"id": "known", "name": "Known", "redirectUris": [REDIRECT]}]);
    let world = World::with(json!({"registration": {"enabled": false}, "clients": clients}));
    assert_eq!(world.register(json!({})).status, 403);
    assert_eq!(world.redeem("known", &world.code("known", &[]), &[]).status, 200);
}

#[test]
fn an_operator_can_refuse_schemes_of_apps() {
    let world = World::with(json!({"customSchemes": false}));
    assert_eq!(refused(&world.register(json!({"redirect_uris": ["cursor://a/b"]}))), (400, "invalid_redirect_uri".into()));
}

#[test]
fn w12_a_flood_from_many_addresses_is_stopped_before_the_store_is_full_and_others_still_register() {
    let mut world = World::new();
    for n in 0..1_500 {
        world.address = format!("10.0.0.{}", n % 100);
        world.register(json!({}));
    }
    let kept = world.host.has("client");
    assert!((900..=1_001).contains(&kept), "{kept}");
    world.address = "10.0.0.200".to_owned();
    assert_eq!(world.register(json!({})).status, 429);
    world.address = "198.51.100.1".to_owned();
    assert_eq!(world.register(json!({})).status, 201);
}
