//! Client ID metadata documents.

use portcullis_plugin::auth::http::{HttpError, Reply};
use serde_json::{Value, json};

use super::world::{REDIRECT, World, header, location, refused};

const URL: &str = "https://app.example.com/oauth/client";

fn document(members: Value) -> Value {
    let mut document = json!({"client_id": URL, "client_name": "App", "redirect_uris": [REDIRECT]});
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::Null => drop(document.as_object_mut().unwrap().remove(name)),
            value => document[name] = value.clone(),
        }
    }
    document
}

fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<Reply, HttpError> {
    let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(Reply { status, headers, body: body.to_vec() })
}

fn serving(world: &World, url: &str, answer: Result<Reply, HttpError>) {
    world.host.documents.borrow_mut().insert(url.to_owned(), answer);
}

fn good(world: &World, members: Value, cache: &str) {
    serving(
        world,
        URL,
        reply(
            200,
            &[("content-type", "application/json; charset=utf-8"), ("cache-control", cache)],
            document(members).to_string().as_bytes(),
        ),
    );
}

/// Whether a request of this client gets to the consent page.
fn accepted(world: &World, client: &str) -> bool {
    let response = world.send("GET", &World::request(client, &[]), &[], "");
    match header(&response, "location") {
        Some(_) => location(&response).contains("/consent?"),
        None => {
            assert_eq!(refused(&response).1, "invalid_client");
            false
        }
    }
}

#[test]
fn a_client_that_describes_itself_logs_in_without_registering() {
    let world = World::new();
    good(&world, json!({"grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:jwt-bearer"]}), "");
    assert_eq!(world.redeem(URL, &world.code(URL, &[]), &[]).status, 200);
    assert_eq!(world.host.has("client"), 0);
}

#[test]
fn w10_a_document_that_is_not_exactly_this_clients_is_refused() {
    for members in [
        json!({"client_id": "https://app.example.com/oauth/client/"}),
        json!({"client_id": null}),
        json!({"client_name": null}),
        json!({"client_name": ""}),
        json!({"redirect_uris": null}),
        json!({"redirect_uris": []}),
        json!({"redirect_uris": ["https://*.example.com/cb"]}),
        json!({"redirect_uris": ["https://client.example.com/cb#x"]}),
        json!({"redirect_uris": ["https://other.example.com/cb", "http://client.example.com/cb"]}),
        json!({"client_secret": "x"}),
        json!({"token_endpoint_auth_method": "private_key_jwt"}),
    ] {
        let world = World::new();
        good(&world, members.clone(), "");
        assert!(!accepted(&world, URL), "{members}");
    }
    let world = World::new();
    let negotiates = json!({"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"]});
    good(&world, negotiates, "");
    assert!(accepted(&world, URL));
}

#[test]
fn a_redirect_uri_must_be_in_the_document() {
    let world = World::new();
    good(&world, json!({"redirect_uris": ["https://client.example.com/other"]}), "");
    let response = world.send("GET", &World::request(URL, &[]), &[], "");
    assert_eq!((refused(&response), header(&response, "location")), ((400, "invalid_request".into()), None));
}

#[test]
fn cimd_ssrf_urls_that_could_lead_elsewhere_are_not_asked_for() {
    let world = World::new();
    for url in [
        "http://app.example.com/client",
        "https://app.example.com",
        "https://app.example.com/",
        "https://127.0.0.1/client",
        "https://2130706433/client",
        "https://0x7f.1/client",
        "https://169.254.169.254/latest",
        "https://[::1]/client",
        "https://[64:ff9b::7f00:1]/client",
        "https://localhost/client",
        "https://app.example.com:8443/client",
        "https://user@app.example.com/client",
        "https://app.example.com/client#x",
        "https://app.example.com/a/../client",
        "https://app.example.com/%2e%2E/client",
        "https://app.example.com/a/..?x",
        "https://app.example.com\\@evil.example/client",
        "https://APP.example.com/client",
        "https://app.example.com/cl ient",
        "https://.example.com/client",
        "https://app..example.com/client",
    ] {
        let response = world.send("GET", &World::request(url, &[]), &[], "");
        assert!(refused(&response).0 >= 400 && header(&response, "location").is_none(), "{url}");
    }
    assert!(world.host.fetched.borrow().is_empty(), "{:?}", world.host.fetched.borrow());
}

#[test]
fn answers_that_are_no_document_are_refused() {
    let whole = document(json!({})).to_string();
    let json = ("content-type", "application/json");
    for answer in [
        reply(302, &[json, ("location", "https://evil.example/")], whole.as_bytes()),
        reply(404, &[json], whole.as_bytes()),
        reply(200, &[("content-type", "text/html")], whole.as_bytes()),
        reply(200, &[], whole.as_bytes()),
        reply(200, &[json], b"[]"),
        reply(200, &[json], &[whole.as_bytes(), &vec![b' '; 65_536]].concat()),
        Err(HttpError::Denied("`app.example.com`: its address may not be reached".to_owned())),
    ] {
        let world = World::new();
        serving(&world, URL, answer);
        assert!(!accepted(&world, URL));
    }
}

fn fetches(world: &World) -> usize {
    world.host.fetched.borrow().iter().filter(|url| *url == URL).count()
}

#[test]
fn a_document_is_kept_for_as_long_as_it_says_within_a_day() {
    for (cache, fresh, stale) in
        [("", 3_599, 3_601), ("max-age=10", 59, 61), ("public, max-age=999999", 86_399, 86_401), ("no-store", 59, 61)]
    {
        let world = World::new();
        good(&world, json!({}), cache);
        assert_eq!(world.redeem(URL, &world.code(URL, &[]), &[]).status, 200);
        world.pass(fresh);
        assert!(accepted(&world, URL));
        assert_eq!(fetches(&world), 1, "{cache}");
        world.pass(stale - fresh);
        assert!(accepted(&world, URL));
        assert_eq!(fetches(&world), 2, "{cache}");
    }
}

#[test]
fn a_server_that_is_down_is_asked_once_a_minute_and_a_known_client_goes_on() {
    let world = World::new();
    assert!(!accepted(&world, URL) && !accepted(&world, URL));
    assert_eq!(fetches(&world), 1);
    world.pass(61);
    good(&world, json!({}), "");
    assert_eq!(world.redeem(URL, &world.code(URL, &[]), &[]).status, 200);
    world.pass(3_601);
    serving(&world, URL, Err(HttpError::Timeout("slow".to_owned())));
    assert!(accepted(&world, URL) && accepted(&world, URL));
    assert_eq!(fetches(&world), 3);
}

#[test]
fn well_known_clients_whose_document_cannot_be_had_are_known_by_a_copy() {
    let world = World::new();
    let code = "https://claude.ai/oauth/claude-code-client-metadata";
    let response = world.send("GET", &World::request(code, &[("redirect_uri", "http://localhost:3118/callback")]), &[], "");
    assert!(location(&response).contains("/consent?"));
    let response = world.send("GET", &World::request(code, &[]), &[], "");
    assert_eq!(header(&response, "location"), None);
    // A document that can be had comes first.
    let other = document(json!({"client_id": code})).to_string();
    serving(&world, code, reply(200, &[("content-type", "application/json")], other.as_bytes()));
    world.pass(3_599);
    assert!(!accepts_redirect(&world, code, REDIRECT), "a server that refuses us is asked once an hour");
    world.pass(2);
    assert!(accepted(&world, code));
}

fn accepts_redirect(world: &World, client: &str, redirect_uri: &str) -> bool {
    let response = world.send("GET", &World::request(client, &[("redirect_uri", redirect_uri)]), &[], "");
    header(&response, "location").is_some()
}

#[test]
fn a_copy_helps_on_while_the_server_is_down_and_not_when_it_says_that_there_is_no_such_client() {
    let json = ("content-type", "application/json");
    let other = document(json!({"client_id": "https://app.example.com/other"})).to_string();
    for (answer, goes_on) in [
        (reply(403, &[], b""), true),
        (reply(429, &[json], b"{}"), true),
        (reply(500, &[], b""), true),
        (reply(200, &[("content-type", "text/html")], b"are you human?"), true),
        (reply(404, &[], b""), false),
        (reply(410, &[], b""), false),
        (reply(200, &[json], b"[]"), false),
        (reply(200, &[json], other.as_bytes()), false),
    ] {
        let world = World::new();
        good(&world, json!({}), "");
        assert_eq!(world.redeem(URL, &world.code(URL, &[]), &[]).status, 200);
        world.pass(3_601);
        let said = format!("{:?}", answer.as_ref().map(|reply| reply.status));
        serving(&world, URL, answer);
        assert_eq!((accepted(&world, URL), accepted(&world, URL)), (goes_on, goes_on), "{said}");
        // Once gone, it does not come back because the server is down.
        serving(&world, URL, Err(HttpError::Timeout("slow".to_owned())));
        world.pass(61);
        assert_eq!(accepted(&world, URL), goes_on, "{said}");
    }
    // Nor does a copy that is built in.
    let world = World::new();
    let (id, back) = ("https://claude.ai/oauth/mcp-oauth-client-metadata", "https://claude.ai/api/mcp/auth_callback");
    serving(&world, id, reply(404, &[], b""));
    assert!(!accepts_redirect(&world, id, back));
}

#[test]
fn an_operator_can_trust_hosts_or_none() {
    for (setting, expected) in [
        (json!({"hosts": ["app.example.com"]}), true),
        (json!({"hosts": ["*.example.com"]}), true),
        (json!({"hosts": ["example.com", "*.app.example.com", "*.org"]}), false),
        (json!({"enabled": false}), false),
    ] {
        let world = World::with(json!({"clientDocuments": setting}));
        good(&world, json!({}), "");
        assert_eq!(accepted(&world, URL), expected, "{setting}");
    }
}

#[test]
fn a_flood_of_urls_from_one_address_is_stopped() {
    let world = World::new();
    let ask = |n: u32| world.send("GET", &World::request(&format!("https://h{n}.example.com/c"), &[]), &[], "").status;
    assert!((0..60).all(|n| ask(n) == 401));
    assert_eq!((ask(60), world.host.fetched.borrow().len()), (429, 60));
}

#[test]
fn a_flood_of_urls_from_many_addresses_is_stopped_and_soon_forgotten() {
    let mut world = World::new();
    for n in 0..900 {
        let url = format!("https://h{n}.example.com/c");
        let whole = document(json!({"client_id": url})).to_string();
        let headers = [("content-type", "application/json"), ("cache-control", "max-age=86400")];
        serving(&world, &url, reply(200, &headers, whole.as_bytes()));
        world.address = format!("10.0.0.{}", n % 100);
        world.send("GET", &World::request(&url, &[]), &[], "");
    }
    let kept = world.host.has("document");
    assert!((500..=601).contains(&kept), "{kept}");
    world.pass(3_601);
    assert_eq!(world.host.has("document"), 0);
}

#[test]
fn a_document_with_which_somebody_logged_in_is_kept_for_a_month() {
    let world = World::new();
    good(&world, json!({}), "");
    assert_eq!(world.redeem(URL, &world.code(URL, &[]), &[]).status, 200);
    world.pass(86_401);
    serving(&world, URL, Err(HttpError::Timeout("slow".to_owned())));
    assert!(accepted(&world, URL));
    world.pass(30 * 86_400);
    assert!(!accepted(&world, URL));
}

#[test]
fn a_known_client_goes_on_though_its_network_asked_for_too_much() {
    let world = World::new();
    for n in 0..60 {
        world.send("GET", &World::request(&format!("https://h{n}.example.com/c"), &[]), &[], "");
    }
    let pinned = World::request(
        "https://claude.ai/oauth/mcp-oauth-client-metadata",
        &[("redirect_uri", "https://claude.ai/api/mcp/auth_callback")],
    );
    world.pass(61);
    assert!(location(&world.send("GET", &pinned, &[], "")).contains("/consent?"));
    assert_eq!(world.host.fetched.borrow().len(), 60);
}
