//! Metadata, and what the strategy says of itself.

use serde_json::json;

use super::world::{ORIGIN, World, body, header};
use crate::routes;

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

#[test]
fn both_documents_say_what_clients_need_to_hear() {
    let world = World::new();
    for path in [OAUTH, OPENID] {
        let document = body(&world.send("GET", path, &[], ""));
        // Byte for byte, without a slash at the end (client checklist 3).
        assert_eq!(document["issuer"], json!(ORIGIN));
        assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(document["token_endpoint_auth_methods_supported"], json!(["none"]));
        assert_eq!(document["revocation_endpoint_auth_methods_supported"], json!(["none"]));
        assert_eq!(document["authorization_response_iss_parameter_supported"], json!(true));
        assert_eq!(document["client_id_metadata_document_supported"], json!(true));
        assert_eq!(document["grant_types_supported"], json!(["authorization_code", "refresh_token"]));
        assert_eq!(document["scopes_supported"], json!(["read", "write", "offline_access"]));
        for name in ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint", "jwks_uri"] {
            assert!(document[name].as_str().unwrap().starts_with("https://mcp.example.com/"), "{name}");
        }
        assert_eq!((document.get("introspection_endpoint"), document.get("authorization_details_types_supported")), (None, None));
    }
    let document = body(&world.send("GET", OPENID, &[], ""));
    assert!(document["subject_types_supported"].is_array() && document["id_token_signing_alg_values_supported"].is_array());
}

#[test]
fn every_endpoint_that_is_advertised_is_a_route_and_the_others_are_not() {
    let settings = json!({"introspectionSecret": "known", "authorizationDetails": {"types": ["project"]}});
    for world in [World::new(), World::with(settings), World::with(json!({"registration": {"enabled": false}}))] {
        let described = routes::describe(world.call());
        let document = body(&world.send("GET", OAUTH, &[], ""));
        for (name, value) in
            document.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
        {
            let path = value.as_str().unwrap().strip_prefix(ORIGIN).unwrap();
            assert!(described.routes.iter().any(|route| route.path == path), "{name}");
        }
        assert_eq!(
            document.get("introspection_endpoint").is_some(),
            described.routes.iter().any(|route| route.path == "/introspect")
        );
        assert_eq!(document.get("registration_endpoint").is_some(), world.settings.registration.enabled);
    }
}

#[test]
fn the_strategy_describes_itself_without_any_network() {
    let world = World::with(json!({"authorizationDetails": {"types": ["project"]}}));
    world.host.provider.borrow_mut().document = None;
    let described = routes::describe(world.call());
    assert_eq!(
        (described.authorization_servers.join(" "), described.shapes.join(" "), described.scopes.join(" ")),
        (ORIGIN.into(), "jwt".into(), "read write".into())
    );
    assert_eq!(described.metadata.as_deref(), Some(r#"{"authorization_details_types_supported":["project"]}"#));
    // With cookies and for people: never for scripts of other origins.
    for path in ["/authorize", "/consent", "/auth/callback"] {
        assert!(described.routes.iter().filter(|route| route.path == path).all(|route| route.cors == "none"), "{path}");
    }
    for path in [OAUTH, OPENID, "/token", "/register", "/revoke", "/.well-known/jwks.json"] {
        assert!(described.routes.iter().any(|route| route.path == path && route.cors == "any"), "{path}");
    }
    assert!(described.scopes.iter().all(|scope| scope != "offline_access"), "RS-4");
}

#[test]
fn documents_are_kept_for_five_minutes_and_asked_for_by_tag() {
    let world = World::new();
    for path in [OAUTH, OPENID, "/.well-known/jwks.json"] {
        let response = world.send("GET", path, &[], "");
        assert_eq!((response.status, header(&response, "cache-control")), (200, Some("public, max-age=300")));
        let tag = header(&response, "etag").unwrap();
        let again = world.send("GET", path, &[("if-none-match", tag)], "");
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(world.send("GET", path, &[("if-none-match", "\"other\"")], "").status, 200);
    }
}

#[test]
fn scopes_of_the_settings_stand_before_those_of_the_endpoints() {
    let world = World::with(json!({"scopes": ["only"]}));
    assert_eq!(routes::describe(world.call()).scopes, ["only"]);
}
