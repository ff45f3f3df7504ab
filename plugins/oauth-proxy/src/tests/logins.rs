//! What people and the operator see of logins, and end (W20).

use portcullis_plugin::auth::routes::Response;
use portcullis_plugin::testing;
use serde_json::{Value, json};

use super::fake::{Fake, NOW};
use super::world::{Browser, RESOURCE, World, body, claims, header, redirected, refused, str_of};

const OPERATOR: &str = "another-secret-of-the-operator";
/// Scopes of a token that reaches all logins of its person.
const ALL: &str = "read logins";
const INTROSPECTION: &str = "sixteen-bytes-or-more";

fn ask(world: &World, method: &str, target: &str, token: &str, form: &str) -> Response {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    world.send(method, target, &headers, form)
}

fn list(world: &World, token: &str) -> Vec<Value> {
    let response = ask(world, "GET", "/logins", token, "");
    body(&response)["logins"].as_array().cloned().unwrap_or_else(|| panic!("{}", response.status))
}

fn end(world: &World, token: &str, form: &str) -> Response {
    ask(world, "POST", "/logins/end", token, form)
}

fn access(tokens: &Value) -> String {
    str_of(tokens, "access_token")
}

fn id(tokens: &Value) -> String {
    str_of(&claims(&access(tokens)), "grant")
}

/// A world with a login of somebody else, too.
fn with_bob(settings: Value) -> (World, Value) {
    let world = World::with(settings);
    world.host.provider.borrow_mut().claims = json!({"sub": "bob"});
    let bob = world.login().1;
    world.host.provider.borrow_mut().claims = json!({});
    (world, bob)
}

/// Ids of the logins that a token shows.
fn ids(world: &World, token: &str) -> Vec<String> {
    list(world, token).iter().map(|login| str_of(login, "id")).collect()
}

fn lines() -> Vec<String> {
    testing::take()
        .into_iter()
        .filter_map(|heard| match heard {
            testing::Heard::Log { level, message } if level == "info" => Some(message),
            _ => None,
        })
        .collect()
}

#[test]
fn w20_a_person_sees_every_login_of_their_own_and_no_other() {
    let (world, bob) = with_bob(json!({}));
    let (client, first) = world.login_with(ALL);
    world.pass(100);
    let (_, second) = world.login();
    world.pass(100);
    let first = body(&world.refresh(&client, &str_of(&first, "refresh_token"), &[]));
    let expected = json!({
        "id": id(&first), "client_id": client, "client_name": "Client", "resources": [RESOURCE], "scopes": ["read", "logins"],
        "since": NOW, "last_used": NOW + 200, "ends": NOW + 2_592_000, "current": true,
    });
    let seen = list(&world, &access(&first));
    assert_eq!((seen.len(), &seen[0]), (2, &expected));
    assert_eq!((str_of(&seen[1], "id"), &seen[1]["current"], &seen[1]["since"]), (id(&second), &json!(false), &json!(NOW + 100)));
    let seen = list(&world, &access(&bob));
    assert_eq!((seen.len(), str_of(&seen[0], "id")), (1, id(&bob)));
}

#[test]
fn w20_a_person_ends_one_login_or_all() {
    let (world, bob) = with_bob(json!({}));
    let logins: Vec<(String, Value)> = (0..3).map(|_| world.login_with(ALL)).collect();
    let token = access(&logins[0].1);
    let ended = end(&world, &token, &format!("login={}", id(&logins[1].1)));
    assert_eq!((ended.status, body(&ended)["ended"].clone()), (200, json!([id(&logins[1].1)])));
    assert_eq!(*world.host.revoked.borrow(), [id(&logins[1].1)], "its access tokens end at once");
    let refreshed = |(client, tokens): &(String, Value)| world.refresh(client, &str_of(tokens, "refresh_token"), &[]).status;
    assert_eq!((refreshed(&logins[1]), refreshed(&logins[2]), list(&world, &token).len()), (400, 200, 2));
    assert!(world.host.provider.borrow().forms.last().unwrap().0.ends_with("/revoke"));
    assert_eq!(body(&end(&world, &token, "login=all"))["ended"], json!([id(&logins[0].1), id(&logins[2].1)]));
    assert_eq!((refreshed(&logins[0]), refreshed(&logins[2]), world.host.has("grant")), (400, 400, 1));
    assert_eq!(list(&world, &access(&bob)).len(), 1);
}

#[test]
fn nobody_ends_a_login_of_somebody_else() {
    let (world, bob) = with_bob(json!({}));
    let (_, tokens) = world.login_with(ALL);
    assert_eq!(refused(&end(&world, &access(&tokens), &format!("login={}", id(&bob)))), (404, "invalid_request".into()));
    for form in ["login=all&subject=bob", &format!("login={}&subject=bob", id(&bob))] {
        assert_eq!(refused(&end(&world, &access(&tokens), form)), (403, "access_denied".into()));
    }
    assert_eq!(ask(&world, "GET", "/logins?subject=bob", &access(&tokens), "").status, 403);
    assert_eq!(ask(&world, "GET", "/logins?subject=alice", &access(&tokens), "").status, 200);
    assert_eq!((world.host.has("grant"), world.host.revoked.borrow().len()), (2, 0));
}

#[test]
fn without_the_scope_for_all_logins_a_token_sees_and_ends_its_own_and_learns_of_no_other() {
    let world = World::new();
    let (_, other) = world.login();
    let (client, tokens) = world.login();
    let token = access(&tokens);
    assert_eq!(ids(&world, &token), [id(&tokens)]);
    for form in ["login=all".to_owned(), format!("login={}", id(&other)), "login=nobodys".to_owned()] {
        let response = end(&world, &token, &form);
        assert_eq!(refused(&response), (403, "insufficient_scope".into()), "{form}");
        assert_eq!(header(&response, "www-authenticate"), Some("Bearer error=\"insufficient_scope\""));
        assert!(str_of(&body(&response), "error_description").contains("`logins`"));
    }
    assert!(world.host.revoked.borrow().is_empty());
    assert_eq!(body(&end(&world, &token, &format!("login={}", id(&tokens))))["ended"], json!([id(&tokens)]));
    assert_eq!(world.refresh(&client, &str_of(&tokens, "refresh_token"), &[]).status, 400);
    assert_eq!(world.host.has("grant"), 1);
}

#[test]
fn the_scope_for_all_logins_is_only_for_who_asks_for_it_by_the_name_that_the_operator_gave_it() {
    let shown = |settings: Value, asked: &str| {
        let world = World::with(settings);
        world.login();
        let (client, tokens) = world.login_with(asked);
        let refreshed = body(&world.refresh(&client, &str_of(&tokens, "refresh_token"), &[]));
        assert_eq!(refreshed["scope"], tokens["scope"]);
        (str_of(&tokens, "scope"), list(&world, &access(&tokens)).len(), list(&world, &access(&refreshed)).len())
    };
    assert_eq!(shown(json!({}), ""), ("read write".into(), 1, 1), "who asks for nothing in particular does not get it");
    assert_eq!(shown(json!({}), "read logins"), ("read logins".into(), 2, 2));
    assert_eq!(shown(json!({"loginsScope": "mine"}), "logins mine"), ("mine".into(), 2, 2));
    assert_eq!(shown(json!({"loginsScope": null}), "read logins"), ("read".into(), 1, 1));
    // Clients ask for whatever is advertised.
    assert_eq!(shown(json!({"loginsScope": "read"}), "read"), ("read".into(), 1, 1));
    assert_eq!(shown(json!({"scopes": ["read", "logins"]}), "logins"), ("logins".into(), 1, 1));
}

#[test]
fn an_operator_who_takes_the_scope_for_all_logins_away_takes_it_from_every_login() {
    let mut world = World::new();
    world.login();
    let (client, tokens) = world.login_with(ALL);
    world.settings.logins_scope = None;
    let refreshed = body(&world.refresh(&client, &str_of(&tokens, "refresh_token"), &[]));
    assert_eq!((str_of(&refreshed, "scope"), ids(&world, &access(&tokens))), ("read".into(), vec![id(&tokens)]));
}

#[test]
fn without_a_token_of_a_login_that_lives_nothing_is_told() {
    let world = World::with(json!({"introspectionSecret": "known", "operatorSecret": "absent"}));
    let (client, tokens) = world.login();
    let parts: Vec<String> = access(&tokens).split('.').map(str::to_owned).collect();
    let forged = format!("{}.{}.{}", parts[0], parts[1], crate::secret::encode(b"ring other"));
    for bad in [forged.as_str(), "x", OPERATOR, INTROSPECTION, &str_of(&tokens, "refresh_token")] {
        let response = ask(&world, "GET", "/logins?subject=alice", bad, "");
        assert_eq!(refused(&response), (401, "invalid_token".into()), "{bad}");
        assert_eq!(header(&response, "www-authenticate"), Some("Bearer error=\"invalid_token\""));
        assert_eq!(end(&world, bad, "login=all").status, 401);
    }
    assert_eq!(header(&world.send("GET", "/logins", &[], ""), "www-authenticate"), Some("Bearer"));
    world.form("/revoke", &[("client_id", &client), ("token", &access(&tokens))]);
    assert_eq!(ask(&world, "GET", "/logins", &access(&tokens), "").status, 401, "its login is over, though the token is not");
}

#[test]
fn w20_the_operator_lists_and_ends_the_logins_of_anybody() {
    let (world, bob) = with_bob(json!({"operatorSecret": "operator"}));
    world.login();
    let answer = body(&ask(&world, "GET", "/logins?subject=bob", OPERATOR, ""));
    assert_eq!((&answer["subject"], &answer["issuer"]), (&json!("bob"), &json!("https://id.example.com")));
    assert_eq!((str_of(&answer["logins"][0], "id"), &answer["logins"][0]["current"]), (id(&bob), &json!(false)));
    assert_eq!(refused(&ask(&world, "GET", "/logins", OPERATOR, "")), (400, "invalid_request".into()));
    assert_eq!(refused(&end(&world, OPERATOR, "login=all")), (400, "invalid_request".into()));
    assert_eq!(body(&end(&world, OPERATOR, "login=all&subject=bob"))["ended"], json!([id(&bob)]));
    assert_eq!((world.host.has("grant"), body(&end(&world, OPERATOR, "login=all&subject=bob"))["ended"].clone()), (1, json!([])));
}

#[test]
fn the_secret_of_resource_servers_opens_nobodys_logins_and_the_operators_no_introspection() {
    let (world, _) = with_bob(json!({"introspectionSecret": "known", "operatorSecret": "operator"}));
    let asked = |token: &str| ask(&world, "GET", "/logins?subject=bob", token, "").status;
    assert_eq!((asked(INTROSPECTION), asked(OPERATOR)), (401, 200));
    assert_eq!(end(&world, INTROSPECTION, "login=all&subject=bob").status, 401);
    assert_eq!(world.host.has("grant"), 1);
    let introspected = |token: &str| ask(&world, "POST", "/introspect", token, "token=x").status;
    assert_eq!((introspected(INTROSPECTION), introspected(OPERATOR)), (200, 401));
    let (world, _) = with_bob(json!({"introspectionSecret": "known"}));
    assert_eq!(ask(&world, "GET", "/logins?subject=bob", INTROSPECTION, "").status, 401, "nor where the operator has none");
}

#[test]
fn a_login_that_has_no_token_yet_or_any_more_is_not_listed() {
    let world = World::new();
    let client = world.client();
    let code = world.code(&client, &[("scope", ALL)]);
    let (_, tokens) = world.login_with(ALL);
    assert_eq!(list(&world, &access(&tokens)).len(), 1);
    let other = body(&world.redeem(&client, &code, &[]));
    assert_eq!(list(&world, &access(&tokens)).len(), 2);
    world.pass(1_209_000);
    let fresh = body(&world.refresh(&client, &str_of(&other, "refresh_token"), &[]));
    world.pass(601);
    // It idled out, and nobody ended it.
    let fresh = body(&world.refresh(&client, &str_of(&fresh, "refresh_token"), &[]));
    assert_eq!(list(&world, &access(&fresh)).len(), 1);
}

#[test]
fn who_ends_all_logins_ends_those_too_whose_code_is_not_redeemed_yet() {
    for by_operator in [true, false] {
        let world = World::with(json!({"operatorSecret": "operator"}));
        let (_, tokens) = world.login_with(ALL);
        let client = world.client();
        let code = world.code(&client, &[]);
        let (token, form) = if by_operator { (OPERATOR, "login=all&subject=alice") } else { (&*access(&tokens), "login=all") };
        assert_eq!(body(&end(&world, token, form))["ended"].as_array().unwrap().len(), 2);
        assert_eq!(refused(&world.redeem(&client, &code, &[])), (400, "invalid_grant".into()));
        assert_eq!((world.host.has("grant"), world.host.has("tokens")), (0, 0));
        // One of the two had an access token.
        assert_eq!(*world.host.revoked.borrow(), [id(&tokens)]);
    }
}

/// Another login of the person begins, again and again, just when one is noted.
fn faster(host: &Fake) {
    let here = World::new();
    let call = crate::port::Call { host, site: &here.site, settings: &here.settings, client: "192.0.2.9" };
    let record = host.dump().into_iter().find_map(|(key, value)| key.starts_with("person/").then_some(value));
    let record: Value = record.map_or_else(|| json!([]), |text| serde_json::from_str(&text).unwrap());
    let person = crate::secret::digest("https://id.example.com\nalice");
    crate::store::set(call, crate::store::PERSON, &person, &record, 600).unwrap();
    *host.meanwhile.borrow_mut() = Some(("person/", Box::new(faster)));
}

#[test]
fn a_login_that_cannot_be_noted_does_not_begin_and_its_client_hears_of_it() {
    let world = World::new();
    *world.host.meanwhile.borrow_mut() = Some(("person/", Box::new(faster)));
    let mut browser = Browser::default();
    let url = world.approved(&mut browser, &World::request(&world.client(), &[]));
    let response = world.browse(&mut browser, "GET", &world.logged_in(&url), "");
    assert_eq!(redirected(&response), "temporarily_unavailable");
    assert_eq!((world.host.has("grant"), world.host.has("tokens"), world.host.has("code")), (0, 0, 0));
    assert!(world.host.provider.borrow().forms.last().unwrap().0.ends_with("/revoke"));
}

#[test]
fn a_code_is_redeemed_however_many_logins_of_its_person_begin_just_then() {
    let world = World::new();
    let client = world.client();
    let code = world.code(&client, &[("scope", ALL)]);
    *world.host.meanwhile.borrow_mut() = Some(("person/", Box::new(faster)));
    let tokens = world.redeem(&client, &code, &[]);
    assert_eq!(tokens.status, 200);
    assert_eq!(ids(&world, &access(&body(&tokens))), [id(&body(&tokens))]);
}

#[test]
fn one_login_too_many_ends_the_persons_oldest_and_those_that_are_over_count_for_nothing() {
    let world = World::new();
    let client = world.client();
    let login = || {
        world.pass(2);
        let tokens = world.redeem(&client, &world.code(&client, &[("scope", ALL)]), &[]);
        assert_eq!(tokens.status, 200);
        body(&tokens)
    };
    let first = login();
    let last = (0..99).fold(Value::Null, |_, _| login());
    assert!(world.host.revoked.borrow().is_empty());
    login();
    assert_eq!(*world.host.revoked.borrow(), [id(&first)]);
    assert_eq!((list(&world, &access(&last)).len(), world.host.has("grant")), (100, 100));
    // All idle out: there is room again.
    world.pass(1_209_601);
    let (client, fresh) = world.login_with(ALL);
    assert_eq!((list(&world, &access(&fresh)).len(), world.host.revoked.borrow().len()), (1, 1));
    world.form("/revoke", &[("client_id", &client), ("token", &access(&fresh))]);
    world.pass(1);
    assert_eq!(world.host.has("person"), 0, "nothing is kept of a person without logins");
}

#[test]
fn two_logins_that_begin_at_once_are_both_listed() {
    let world = World::new();
    let client = world.client();
    *world.host.meanwhile.borrow_mut() = Some((
        "person/",
        Box::new(|host| {
            let here = World::new();
            let call = crate::port::Call { host, site: &here.site, settings: &here.settings, client: "192.0.2.9" };
            let (_, grant) = host.dump().into_iter().find(|(key, _)| key.starts_with("grant/")).unwrap();
            let mut grant: crate::grant::Grant = serde_json::from_str(&grant).unwrap();
            "elsewhere".clone_into(&mut grant.id);
            grant.generation = 1;
            crate::store::set(call, crate::store::GRANT, &grant.id, &grant, 600).unwrap();
            assert!(crate::index::add(call, &grant).unwrap());
        }),
    ));
    let tokens = body(&world.redeem(&client, &world.code(&client, &[("scope", ALL)]), &[]));
    assert_eq!(ids(&world, &access(&tokens)), ["elsewhere".to_owned(), id(&tokens)]);
}

#[test]
fn all_logins_are_over_here_though_the_provider_takes_its_time() {
    let world = World::new();
    let token = (0..3).fold(String::new(), |_, _| access(&world.login_with(ALL).1));
    let asked = world.host.provider.borrow().forms.len();
    *world.host.answering.borrow_mut() = Some(Box::new(|host| {
        assert_eq!(host.has("grant"), 0, "the provider hears of it when all is over");
        host.clock.set(host.clock.get() + 10);
    }));
    assert_eq!(end(&world, &token, "login=all").status, 200);
    assert_eq!((world.host.revoked.borrow().len(), world.host.provider.borrow().forms.len() - asked), (3, 1));
}

#[test]
fn w20_beginning_refusal_and_end_of_a_login_are_logged_by_subject_client_and_id_and_without_tokens() {
    let (world, _) = with_bob(json!({}));
    drop(testing::take());
    let (client, tokens) = world.login();
    let who = |what: &str| format!("login {} of alice {what}, with client {client}", id(&tokens));
    assert_eq!(lines(), [who("begins")]);
    let other = world.client();
    let refresh = str_of(&tokens, "refresh_token");
    assert_eq!(world.refresh(&other, &refresh, &[]).status, 400);
    let said = lines();
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with(&who("is not refreshed")) && said[0].contains("invalid_grant"), "{said:?}");
    assert_eq!(world.refresh(&other, "pcl_rt_AAAA", &[]).status, 400);
    assert!(lines().is_empty(), "strangers write nothing");
    world.pass(3_600);
    world.host.provider.borrow_mut().trouble = Some(Ok((400, json!({"error": "invalid_grant"}))));
    assert_eq!(world.refresh(&client, &refresh, &[]).status, 400);
    let said = lines();
    assert!(said.contains(&who("ends")), "{said:?}");
    assert!(said.iter().all(|line| !line.contains(&refresh) && !line.contains("upstream-")));
}
