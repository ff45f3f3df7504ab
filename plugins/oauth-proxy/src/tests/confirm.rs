//! People see as whom they are signed in (W14).

use portcullis_plugin::auth::routes::Response;
use serde_json::{Value, json};

use super::world::{Browser, ORIGIN, REDIRECT, World, body, header, location, query, redirected, text};
use crate::parameters::encoded;

/// A login as far as the page; the world, the browser, the client, the page, its handle.
fn shown(claims: Value) -> (World, Browser, String, Response, String) {
    let world = World::with(json!({"confirm": true}));
    world.host.provider.borrow_mut().claims = claims;
    let (mut browser, client) = (Browser::default(), world.client());
    let url = world.approved(&mut browser, &World::request(&client, &[]));
    let page = world.browse(&mut browser, "GET", &world.logged_in(&url), "");
    assert_eq!(page.status, 200, "{}", text(&page));
    let handle = text(&page).split_once("name=\"login\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    (world, browser, client, page, handle)
}

fn answer(world: &World, browser: &mut Browser, handle: &str, answer: &str) -> Response {
    world.browse(browser, "POST", "/confirm", &encoded([("login", handle), ("answer", answer)]))
}

#[test]
fn w14_people_see_who_they_are_before_a_client_gets_a_code() {
    let (world, mut browser, client, page, handle) = shown(json!({"name": "Alice Adams", "sub": "a-17"}));
    for part in ["Alice Adams", "a-17", "id.example.com", "Client", REDIRECT] {
        assert!(text(&page).contains(part), "{part}");
    }
    assert!(header(&page, "content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    assert_eq!(world.host.has("code"), 0);
    let back = answer(&world, &mut browser, &handle, "approve");
    assert_eq!((redirected(&back), browser.0.len()), ("none".into(), 0));
    let code = query(&location(&back)).need("code").unwrap().to_owned();
    assert_eq!(body(&world.redeem(&client, &code, &[]))["token_type"], "Bearer");
    assert_eq!(answer(&world, &mut browser, &handle, "approve").status, 400, "once");
}

#[test]
fn whoever_is_somebody_else_ends_the_login_here_and_there() {
    let (world, mut browser, _, _, handle) = shown(json!({}));
    assert_eq!(redirected(&answer(&world, &mut browser, &handle, "deny")), "access_denied");
    assert_eq!((world.host.has("grant"), world.host.has("tokens"), world.host.has("code")), (0, 0, 0));
    assert!(world.host.provider.borrow().forms.last().unwrap().0.ends_with("/revoke"));
    assert!(world.host.revoked.borrow().is_empty(), "it had no access token");
}

#[test]
fn only_the_browser_that_logged_in_answers_and_only_from_our_page_and_in_time() {
    let (world, mut browser, _, _, handle) = shown(json!({}));
    assert_eq!(answer(&world, &mut Browser::default(), &handle, "approve").status, 403);
    assert_eq!(answer(&world, &mut browser, "guess", "approve").status, 400);
    assert_eq!(answer(&world, &mut browser, &handle, "perhaps").status, 400);
    let cookie = format!("{}={}", browser.0[0].0, browser.0[0].1);
    assert!(cookie.starts_with("__Host-portcullis-confirm-"), "{cookie}");
    let form = encoded([("login", handle.as_str()), ("answer", "approve")]);
    let headers =
        |origin| [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie.as_str()), ("origin", origin)];
    assert_eq!(world.send("POST", "/confirm", &headers("https://evil.example"), &form).status, 403);
    assert_eq!(world.host.has("code"), 0);
    assert_eq!(world.send("POST", "/confirm", &headers(ORIGIN), &form).status, 302);
    let (world, mut browser, _, _, handle) = shown(json!({}));
    world.pass(301);
    assert_eq!(answer(&world, &mut browser, &handle, "approve").status, 400);
}

#[test]
fn names_of_the_provider_are_text_and_turn_no_writing_around() {
    let (_, _, _, page, _) = shown(json!({"name": "A\u{202e}<b>", "sub": "x\u{202e}<i>"}));
    let page = text(&page);
    assert!(page.contains("<strong>A&lt;b&gt;</strong>") && page.contains("x\\u202e&lt;i&gt;"), "{page}");
    let (_, _, _, page, _) = shown(json!({"name": null, "sub": "a-17"}));
    assert!(text(&page).contains("signed in as <strong>a-17</strong>"));
}

#[test]
fn a_login_that_was_ended_meanwhile_gives_no_code() {
    let (world, mut browser, _, _, handle) = shown(json!({}));
    let id = world.host.dump().iter().find_map(|(key, _)| key.strip_prefix("grant/")?.split_once('/').map(|it| it.1.to_owned()));
    crate::grant::end(world.call(), &id.unwrap()).unwrap();
    assert_eq!(answer(&world, &mut browser, &handle, "approve").status, 400);
    assert_eq!(world.host.has("code"), 0);
}
