//! Authorization requests.

use serde_json::json;

use super::world::{
    Browser, ORIGIN, REDIRECT, RESOURCE, World, body, claims, header, location, query, redirected, refused, str_of, text,
};

/// The error with which a request of a registered client is refused.
fn error(world: &World, client: &str, over: &[(&str, &str)]) -> String {
    let response = world.send("GET", &World::request(client, over), &[], "");
    assert_eq!(header(&response, "location"), None);
    refused(&response).1
}

/// One whose client the operator named.
fn configured() -> World {
    World::with(json!({"clients": [{"id": "known", "name": "Known", "redirectUris": [REDIRECT, "known:/cb"]}]}))
}

#[test]
fn pkce_is_not_optional_not_plain_and_not_short() {
    let world = World::new();
    let client = world.client();
    assert_eq!(error(&world, &client, &[("code_challenge", "")]), "invalid_request");
    assert_eq!(error(&world, &client, &[("code_challenge_method", "plain")]), "invalid_request");
    assert_eq!(error(&world, &client, &[("code_challenge_method", "")]), "invalid_request");
    assert_eq!(error(&world, &client, &[("code_challenge", "short")]), "invalid_request");
    assert_eq!(world.host.has("pending"), 0);
}

#[test]
fn what_is_not_served_is_told_to_a_client_that_the_operator_named_with_state_and_iss() {
    let world = configured();
    for (over, code) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_mode", "fragment"), "invalid_request"),
        (("response_mode", "form_post"), "invalid_request"),
        (("request", "x"), "request_not_supported"),
        (("request_uri", "https://x"), "request_uri_not_supported"),
        (("prompt", "none"), "consent_required"),
        (("resource", "https://evil.example/mcp"), "invalid_target"),
        (("authorization_details", "[{\"type\":\"x\"}]"), "invalid_authorization_details"),
    ] {
        assert_eq!(redirected(&world.send("GET", &World::request("known", &[over]), &[], "")), code, "{over:?}");
        assert_eq!(error(&world, &world.client(), &[over]), code, "{over:?}");
    }
}

#[test]
fn nobody_is_sent_to_a_stranger_or_an_app_before_being_asked() {
    let world = configured();
    let members = json!({"redirect_uris": ["https://evil.example/x?a=1&b=2", "evil:/x"]});
    let stranger = str_of(&body(&world.register(members)), "client_id");
    for (client, redirect_uri, destination) in [
        (stranger.as_str(), "https://evil.example/x?a=1&b=2", "evil.example"),
        (&stranger, "evil:/x", "the app that opens evil: links"),
        ("known", "known:/cb", "the app that opens known: links"),
    ] {
        let over = [("response_type", "x"), ("redirect_uri", redirect_uri), ("state", "<s>")];
        let response = world.browse(&mut Browser::default(), "GET", &World::request(client, &over), "");
        assert_eq!((response.status, header(&response, "location")), (400, None), "{redirect_uri}");
        let page = text(&response);
        let link = redirect_uri.replace('&', "&amp;");
        assert!(page.contains(&format!("<strong>{destination}</strong>")) && page.contains(&link), "{page}");
        assert!(page.contains("error=unsupported_response_type") && page.contains("state=%3Cs%3E&amp;iss="), "{page}");
    }
}

#[test]
fn a_well_known_client_hears_of_errors_at_once() {
    let world = World::new();
    let (id, back) = ("https://claude.ai/oauth/mcp-oauth-client-metadata", "https://claude.ai/api/mcp/auth_callback");
    let over = [("redirect_uri", back), ("prompt", "none")];
    let url = location(&world.send("GET", &World::request(id, &over), &[], ""));
    assert!(url.starts_with(back) && query(&url).need("error").unwrap() == "consent_required", "{url}");
}

#[test]
fn each_parameter_comes_once() {
    let world = World::new();
    let client = world.client();
    for twice in ["scope=read", "code_challenge_method=S256", "response_type=code"] {
        let url = format!("{}&{twice}", World::request(&client, &[]));
        assert_eq!(refused(&world.send("GET", &url, &[], "")), (400, "invalid_request".into()), "{twice}");
    }
    for twice in [format!("client_id={client}"), format!("redirect_uri={REDIRECT}")] {
        let response = world.send("GET", &format!("{}&{twice}", World::request(&client, &[])), &[], "");
        assert_eq!(refused(&response), (400, "invalid_request".into()));
        assert_eq!(header(&response, "location"), None);
    }
}

#[test]
fn w9_w10_nobody_is_sent_to_a_redirect_uri_that_this_client_did_not_register() {
    let world = World::new();
    let client = world.client();
    for uri in [
        "https://evil.example/cb",
        "https://client.example.com/cb#x",
        "https://client.example.com/cb/../evil",
        "https://client.example.com:443/cb",
        "https://user@client.example.com/cb",
        "http://client.example.com/cb",
        "https://client.example.com/cb?x=1",
        "https://client.example.com/CB",
    ] {
        let response = world.send("GET", &World::request(&client, &[("redirect_uri", uri)]), &[], "");
        assert_eq!((refused(&response).0, header(&response, "location")), (400, None), "{uri}");
    }
    // Our client id at the provider is public; here it is nobody's.
    for unknown in ["ours", "", "0123456789012345678901"] {
        let response = world.send("GET", &World::request(unknown, &[]), &[], "");
        assert!(matches!(response.status, 400 | 401) && header(&response, "location").is_none(), "{unknown}");
    }
}

#[test]
fn an_unknown_client_is_a_page_for_people_and_json_for_programs() {
    let world = World::new();
    let response = world.browse(&mut Browser::default(), "GET", &World::request("0123456789012345678901", &[]), "");
    assert_eq!((response.status, header(&response, "content-type")), (400, Some("text/html; charset=utf-8")));
    let response = world.send("GET", &World::request("0123456789012345678901", &[]), &[], "");
    assert_eq!(refused(&response), (401, "invalid_client".into()));
}

#[test]
fn a_redirect_uri_may_be_left_out_only_if_there_is_one() {
    let world = World::new();
    let one = world.client();
    assert!(location(&world.send("GET", &World::request(&one, &[("redirect_uri", "")]), &[], "")).contains("/consent"));
    let two = body(&world.register(json!({"redirect_uris": [REDIRECT, "https://other.example/cb"]})));
    assert_eq!(refused(&world.send("GET", &World::request(&str_of(&two, "client_id"), &[("redirect_uri", "")]), &[], "")).0, 400);
}

#[test]
fn unknown_scopes_are_left_out_and_never_added_to() {
    let world = World::new();
    let client = world.client();
    let granted = |scope: &str| {
        let answer = body(&world.redeem(&client, &world.code(&client, &[("scope", scope)]), &[]));
        str_of(&answer, "scope")
    };
    assert_eq!(granted("write claudeai offline_access"), "write");
    assert_eq!(granted("claudeai"), "");
    assert_eq!(granted(""), "read write");
}

#[test]
fn w5_a_resource_is_ours_however_it_is_written_and_stamped_in_our_way() {
    let world = World::new();
    let client = world.client();
    for written in
        [RESOURCE, "https://mcp.example.com/mcp/", "HTTPS://MCP.example.com/mcp", ORIGIN, "https://mcp.example.com/", ""]
    {
        let answer = body(&world.redeem(&client, &world.code(&client, &[("resource", written)]), &[]));
        assert_eq!(claims(&str_of(&answer, "access_token"))["aud"], json!([RESOURCE]), "{written}");
    }
    for foreign in [
        "https://mcp.example.com/mcp2",
        "https://mcp.example.com/MCP",
        "https://mcp.example.com/mcp#x",
        "https://mcp.example.com.evil/mcp",
        "mcp",
    ] {
        assert_eq!(error(&world, &client, &[("resource", foreign)]), "invalid_target", "{foreign}");
    }
}

#[test]
fn an_origin_of_several_resources_is_none_of_them_and_an_operator_can_insist_on_one() {
    let mut world = World::new();
    world.site.resources.push("https://mcp.example.com/other".into());
    let client = world.client();
    assert_eq!(error(&world, &client, &[("resource", ORIGIN)]), "invalid_target");
    let strict = World::with(json!({"requireResource": true}));
    let client = strict.client();
    assert_eq!(error(&strict, &client, &[("resource", "")]), "invalid_target");
}

#[test]
fn a_request_by_post_is_the_same_request() {
    let world = World::new();
    let client = world.client();
    let url = World::request(&client, &[]);
    let form = url.split_once('?').unwrap().1;
    let response = world.send("POST", "/authorize", &[("content-type", "application/x-www-form-urlencoded")], form);
    assert!(location(&response).contains("/consent?"));
    let untyped = world.send("POST", "/authorize", &[("content-type", "text/plain")], form);
    assert_eq!(refused(&untyped), (400, "invalid_request".into()));
}

#[test]
fn oversize_requests_are_refused_before_anything_is_kept() {
    let world = configured();
    assert_eq!(redirected_without_state(&world, "known"), "invalid_request");
    let response = world.send("GET", &World::request("known", &[("scope", &"a ".repeat(9_000))]), &[], "");
    assert_eq!(refused(&response), (400, "invalid_request".into()));
    assert_eq!(world.host.has("pending"), 0);
}

/// A state that is too long does not come back either.
fn redirected_without_state(world: &World, client: &str) -> String {
    let response = world.send("GET", &World::request(client, &[("state", &"s".repeat(4_097))]), &[], "");
    let answer = query(&location(&response));
    assert_eq!(answer.one("state").unwrap(), None);
    answer.need("error").unwrap().to_owned()
}

#[test]
fn a_flood_of_requests_from_one_address_is_stopped() {
    let world = World::new();
    let client = world.client();
    let url = World::request(&client, &[]);
    for _ in 0..60 {
        assert_eq!(world.send("GET", &url, &[], "").status, 302);
    }
    let response = world.send("GET", &url, &[], "");
    assert_eq!((response.status, header(&response, "retry-after")), (429, Some("60")));
    world.pass(61);
    assert_eq!(world.send("GET", &url, &[], "").status, 302);
}

#[test]
fn a_flood_from_many_addresses_is_stopped_before_the_store_is_full_and_others_still_log_in() {
    let mut world = World::new();
    let url = World::request(&world.client(), &[]);
    let from = |world: &mut World, address: String| {
        world.address = address;
        world.send("GET", &url, &[], "").status
    };
    for n in 0..2_000 {
        from(&mut world, format!("10.0.0.{}", n % 100));
    }
    let kept = world.host.has("pending");
    assert!((900..=1_002).contains(&kept), "{kept}");
    assert_eq!(from(&mut world, "10.0.0.200".to_owned()), 429);
    // Another part of the internet has its reserve, and no more.
    assert_eq!([1, 2, 3].map(|n| from(&mut world, format!("198.51.100.{n}"))), [302, 302, 429]);
}

#[test]
fn an_ipv6_network_of_a_customer_has_a_limit_too() {
    let mut world = World::new();
    let url = World::request(&world.client(), &[]);
    let mut admitted = 0;
    for n in 0..300 {
        world.address = format!("2001:db8:1:{n:x}::1");
        admitted += u32::from(world.send("GET", &url, &[], "").status == 302);
    }
    assert_eq!(admitted, 240);
    world.address = "2001:db8:2:1::1".to_owned();
    assert_eq!(world.send("GET", &url, &[], "").status, 302);
}

#[test]
fn a_network_that_is_refused_does_not_count_against_its_neighbours() {
    let mut world = World::new();
    let url = World::request(&world.client(), &[]);
    world.address = "2001:db8:1:1::1".to_owned();
    for _ in 0..300 {
        world.send("GET", &url, &[], "");
    }
    world.address = "2001:db8:1:2::1".to_owned();
    assert_eq!(world.send("GET", &url, &[], "").status, 302);
}

#[test]
fn counters_of_a_flood_from_many_networks_do_not_fill_the_store_either() {
    let mut world = World::new();
    let url = World::request(&world.client(), &[]);
    for n in 0..6_000 {
        world.address = format!("2001:{:x}:{:x}::1", n / 256, n % 256);
        world.send("GET", &url, &[], "");
    }
    // 1,024 for the networks, 256 reserves, 8 shares of the total, one for each of the 1,512 that were admitted at most.
    let counters = world.host.has("rate");
    assert!((1_500..=2_800).contains(&counters), "{counters}");
}

#[test]
fn of_several_resources_a_client_must_say_which() {
    let mut world = World::new();
    world.site.resources.push("https://mcp.example.com/other".to_owned());
    let client = world.client();
    assert_eq!(error(&world, &client, &[("resource", "")]), "invalid_target");
}

#[test]
fn a_state_is_as_long_as_it_is_in_the_url() {
    let world = World::new();
    assert_eq!(error(&world, &world.client(), &[("state", &"ä".repeat(700))]), "invalid_request");
}
