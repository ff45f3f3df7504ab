//! The consent page.

use serde_json::json;

use super::world::{Browser, ORIGIN, REDIRECT, World, body, header, location, redirected, refused, str_of, text};
use crate::parameters::encoded;

fn answer(
    world: &World,
    browser: &mut Browser,
    request: &str,
    csrf: &str,
    word: &str,
) -> portcullis_plugin::auth::routes::Response {
    world.browse(browser, "POST", "/consent", &encoded([("request", request), ("csrf", csrf), ("answer", word)]))
}

fn start() -> (World, Browser, String) {
    let world = World::new();
    let url = World::request(&world.client(), &[]);
    (world, Browser::default(), url)
}

#[test]
fn nothing_goes_to_the_provider_before_the_user_agreed() {
    let (world, mut browser, url) = start();
    let (_, request, csrf) = world.asked(&mut browser, &url);
    assert!(world.host.fetched.borrow().is_empty() && world.host.has("leg") == 0);
    let at_provider = location(&answer(&world, &mut browser, &request, &csrf, "approve"));
    assert!(at_provider.starts_with("https://id.example.com/authorize?"));
    assert!(!at_provider.contains(&request), "the handle of the request stays here");
}

#[test]
fn the_page_says_who_where_and_what_in_plain_sight() {
    let world = World::new();
    let members = json!({"client_name": "<b>Claude</b>", "redirect_uris": ["http://127.0.0.1/cb"]});
    let client = str_of(&body(&world.register(members)), "client_id");
    let mut browser = Browser::default();
    let (url, _, _) = world.asked(&mut browser, &World::request(&client, &[("redirect_uri", "http://127.0.0.1:7/cb")]));
    let page = text(&world.browse(&mut browser, "GET", &url, ""));
    for piece in [
        "&lt;b&gt;Claude&lt;/b&gt;",
        "127.0.0.1:7",
        "<code>read</code>",
        "<code>write</code>",
        "id.example.com",
        "runs on this computer",
        "https://mcp.example.com/mcp",
        "openid profile email",
    ] {
        assert!(page.contains(piece), "{piece}");
    }
    assert!(!page.contains("<b>Claude") && !page.contains("<script") && !page.contains("<details"));
}

#[test]
fn the_page_says_what_the_scope_for_all_logins_means_and_only_of_that_one() {
    let world = World::new();
    let mut browser = Browser::default();
    let (url, _, _) = world.asked(&mut browser, &World::request(&world.client(), &[("scope", "read logins")]));
    let page = text(&world.browse(&mut browser, "GET", &url, ""));
    assert!(
        page.contains("<li><code>read</code></li><li><code>logins</code>: see and end all of your logins here</li>"),
        "{page}"
    );
}

#[test]
fn the_page_cannot_be_framed_kept_or_scripted() {
    let (world, mut browser, url) = start();
    let (consent, _, _) = world.asked(&mut browser, &url);
    let page = world.browse(&mut browser, "GET", &consent, "");
    let policy = header(&page, "content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    assert!(!policy.contains("form-action"), "Chrome applies it to the redirect to cursor://");
    assert_eq!(header(&page, "cache-control"), Some("no-store"));
}

#[test]
fn the_policy_has_the_hash_of_the_style_that_is_served() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let (world, mut browser, url) = start();
    let (consent, _, _) = world.asked(&mut browser, &url);
    let page = world.browse(&mut browser, "GET", &consent, "");
    let html = text(&page);
    let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
    assert!(header(&page, "content-security-policy").unwrap().contains(&hash));
}

#[test]
fn cookies_are_for_this_host_this_login_and_no_script() {
    let (world, _, url) = start();
    let response = world.send("GET", &url, &[], "");
    let cookie = header(&response, "set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-portcullis-request-"), "{cookie}");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure", "; Max-Age=900"] {
        assert!(cookie.contains(part), "{part}");
    }
}

#[test]
fn a_refusal_ends_at_the_client() {
    let (world, mut browser, url) = start();
    let (_, request, csrf) = world.asked(&mut browser, &url);
    assert_eq!(redirected(&answer(&world, &mut browser, &request, &csrf, "deny")), "access_denied");
    assert_eq!((world.host.has("pending"), world.host.has("leg")), (0, 0));
}

#[test]
fn consent_csrf_an_answer_without_the_token_of_a_page_or_the_cookie_counts_for_nothing() {
    let (world, mut browser, url) = start();
    let (_, request, csrf) = world.asked(&mut browser, &url);
    assert_eq!(answer(&world, &mut browser, &request, "", "approve").status, 400);
    assert_eq!(answer(&world, &mut browser, &request, "guess", "approve").status, 403);
    // The attacker's own page's token does not fit the victim's request, nor the victim's browser the attacker's.
    let mut attacker = Browser::default();
    let (_, foreign, token) = world.asked(&mut attacker, &url);
    assert_eq!(answer(&world, &mut browser, &request, &token, "approve").status, 403);
    assert_eq!(answer(&world, &mut browser, &foreign, &token, "approve").status, 403);
    assert_eq!(answer(&world, &mut Browser::default(), &request, &csrf, "approve").status, 403);
    assert_eq!(world.host.has("leg"), 0);
    assert_eq!(answer(&world, &mut browser, &request, &csrf, "approve").status, 302);
}

#[test]
fn an_answer_from_another_site_is_refused() {
    let (world, mut browser, url) = start();
    let (_, request, csrf) = world.asked(&mut browser, &url);
    let form = encoded([("request", request.as_str()), ("csrf", &csrf), ("answer", "approve")]);
    let cookie = format!("{}={}", browser.0[0].0, browser.0[0].1);
    let post = |extra: (&str, &str)| {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", &cookie), extra];
        world.send("POST", "/consent", &headers, &form).status
    };
    assert_eq!(post(("origin", "https://evil.example")), 403);
    assert_eq!(post(("sec-fetch-site", "cross-site")), 403);
    assert_eq!(post(("sec-fetch-site", "same-site")), 403);
    assert_eq!(post(("origin", ORIGIN)), 302);
}

#[test]
fn consent_in_another_browser_shows_nothing() {
    let (world, mut browser, url) = start();
    let (consent, _, _) = world.asked(&mut browser, &url);
    let page = world.browse(&mut Browser::default(), "GET", &consent, "");
    assert_eq!(page.status, 403);
    assert!(!text(&page).contains("csrf"));
}

#[test]
fn two_cookies_of_one_name_are_nobodys() {
    let (world, mut browser, url) = start();
    let (consent, _, _) = world.asked(&mut browser, &url);
    let name = browser.0[0].0.clone();
    for at in [0, 1] {
        let mut planted = browser.clone();
        planted.0.insert(at, (name.clone(), "planted".to_owned()));
        assert_eq!(world.browse(&mut planted, "GET", &consent, "").status, 403);
    }
}

#[test]
fn overlapping_renders_and_overlapping_requests_do_not_end_one_another() {
    let (world, mut browser, url) = start();
    let (consent, request, first) = world.asked(&mut browser, &url);
    let (_, other, other_csrf) = world.asked(&mut browser, &url);
    world.browse(&mut browser, "GET", &consent, "");
    assert_eq!(answer(&world, &mut browser, &request, &first, "approve").status, 302);
    assert_eq!(answer(&world, &mut browser, &other, &other_csrf, "approve").status, 302);
}

#[test]
fn an_answer_counts_once() {
    let (world, mut browser, url) = start();
    let (_, request, csrf) = world.asked(&mut browser, &url);
    let cookies = browser.clone();
    assert_eq!(answer(&world, &mut browser, &request, &csrf, "approve").status, 302);
    assert_eq!(answer(&world, &mut cookies.clone(), &request, &csrf, "approve").status, 400);
}

#[test]
fn a_person_who_thinks_for_too_long_begins_again() {
    let (world, mut browser, url) = start();
    let (_, request, csrf) = world.asked(&mut browser, &url);
    world.pass(901);
    assert_eq!(answer(&world, &mut browser, &request, &csrf, "approve").status, 400);
}

#[test]
fn rich_requests_are_shown_before_they_are_granted() {
    let world = World::with(json!({"authorizationDetails": {"types": ["project"]}}));
    let mut browser = Browser::default();
    let details = json!([{"type": "project", "id": "<p1>"}]).to_string();
    let (url, _, _) = world.asked(&mut browser, &World::request(&world.client(), &[("authorization_details", &details)]));
    let page = text(&world.browse(&mut browser, "GET", &url, ""));
    assert!(page.contains("&lt;p1&gt;") && page.contains("&quot;type&quot;: &quot;project&quot;"));
}

#[test]
fn on_this_machine_there_is_no_tls_and_so_no_secure_cookie() {
    let mut world = World::new();
    world.site.origin = "http://127.0.0.1:4204".into();
    world.site.resources = vec!["http://127.0.0.1:4204/mcp".into()];
    let url = World::request(&world.client(), &[("resource", ""), ("redirect_uri", REDIRECT)]);
    let response = world.send("GET", &url, &[], "");
    let cookie = header(&response, "set-cookie").unwrap();
    assert!(cookie.starts_with("portcullis-request-") && !cookie.contains("Secure") && cookie.contains("HttpOnly"), "{cookie}");
    assert_eq!(refused(&world.send("GET", "/nothing", &[], "")).0, 404);
}

#[test]
fn looking_at_the_page_again_and_again_does_not_make_a_request_last() {
    let (world, mut browser, url) = start();
    let (consent, _, _) = world.asked(&mut browser, &url);
    world.pass(899);
    assert_eq!(world.browse(&mut browser, "GET", &consent, "").status, 200);
    world.pass(2);
    assert_eq!((world.browse(&mut browser, "GET", &consent, "").status, world.host.has("pending")), (400, 0));
}

#[test]
fn rich_requests_are_shown_without_marks_that_turn_writing_around() {
    let world = World::with(json!({"authorizationDetails": {"types": ["project"]}}));
    let mut browser = Browser::default();
    let details = json!([{"type": "project", "id": "a\u{202e}b\u{1f600}"}]).to_string();
    let (url, _, _) = world.asked(&mut browser, &World::request(&world.client(), &[("authorization_details", &details)]));
    let page = text(&world.browse(&mut browser, "GET", &url, ""));
    assert!(page.contains("a\\u202eb\\ud83d\\ude00") && !page.contains('\u{202e}'));
}
