//! Refresh tokens.

use portcullis_plugin::auth::http::HttpError;
use portcullis_plugin::auth::{Clock as _, KeyValue as _, Verdict};
use serde_json::{Value, json};

use super::world::{World, body, claims, header, refused, str_of, text};

fn token(answer: &Value) -> String {
    str_of(answer, "refresh_token")
}

#[test]
fn each_refresh_gives_a_new_token_and_the_same_login() {
    let world = World::new();
    let (client, first) = world.login();
    let second = body(&world.refresh(&client, &token(&first), &[]));
    assert_ne!(token(&first), token(&second));
    let (one, two) = (claims(&str_of(&first, "access_token")), claims(&str_of(&second, "access_token")));
    assert_eq!(
        (one["grant"].clone(), one["sub"].clone(), one["aud"].clone(), one["scope"].clone()),
        (two["grant"].clone(), two["sub"].clone(), two["aud"].clone(), two["scope"].clone())
    );
    assert_ne!(one["jti"], two["jti"]);
    assert_eq!(world.host.has("grant"), 1, "a login is one record however often it is refreshed");
}

#[test]
fn refresh_replay_within_the_grace_window_gives_the_same_successor() {
    let world = World::new();
    let (client, first) = world.login();
    let second = body(&world.refresh(&client, &token(&first), &[]));
    world.pass(60);
    let again = body(&world.refresh(&client, &token(&first), &[]));
    assert_eq!(token(&again), token(&second));
    // Also when the successor was used meanwhile: the newest one is the answer.
    let third = body(&world.refresh(&client, &token(&second), &[]));
    assert_eq!(token(&body(&world.refresh(&client, &token(&first), &[]))), token(&third));
    assert!(world.host.revoked.borrow().is_empty());
}

#[test]
fn w4_refresh_replay_outside_the_grace_window_ends_the_login() {
    let world = World::new();
    let (client, first) = world.login();
    let second = body(&world.refresh(&client, &token(&first), &[]));
    world.pass(61);
    assert_eq!(refused(&world.refresh(&client, &token(&first), &[])), (400, "invalid_grant".into()));
    assert_eq!(world.host.revoked.borrow().len(), 1);
    assert_eq!(refused(&world.refresh(&client, &token(&second), &[])), (400, "invalid_grant".into()));
}

#[test]
fn a_token_that_was_never_issued_ends_nothing() {
    let world = World::new();
    let (client, tokens) = world.login();
    let good = token(&tokens);
    let mut bytes = crate::secret::decode(good.strip_prefix("pcl_rt_").unwrap()).unwrap();
    // Another number under the same name, without the key.
    bytes[19] = 0;
    let forged = format!("pcl_rt_{}", crate::secret::encode(&bytes));
    for bad in [forged.as_str(), "pcl_rt_", "x", &good[..good.len() - 2], &format!("{good}AA")] {
        assert_eq!(refused(&world.refresh(&client, bad, &[])), (400, "invalid_grant".into()), "{bad}");
    }
    assert!(world.host.revoked.borrow().is_empty());
    assert_eq!(world.refresh(&client, &good, &[]).status, 200);
}

#[test]
fn another_clients_token_is_not_good_and_stays() {
    let world = World::new();
    let (client, tokens) = world.login();
    assert_eq!(refused(&world.refresh(&world.client(), &token(&tokens), &[])), (400, "invalid_grant".into()));
    assert_eq!(world.refresh(&client, &token(&tokens), &[]).status, 200);
    assert_eq!(refused(&world.refresh("0123456789012345678901", &token(&tokens), &[])), (401, "invalid_client".into()));
}

#[test]
fn w13_two_replicas_that_refresh_at_once_give_the_same_successor() {
    let world = World::new();
    let (client, tokens) = world.login();
    let (old, id) = (token(&tokens), client.clone());
    let other: std::rc::Rc<std::cell::RefCell<Option<String>>> = std::rc::Rc::default();
    let (note, site) = (std::rc::Rc::clone(&other), World::new());
    let text = old.clone();
    *world.host.meanwhile.borrow_mut() = Some((
        "grant/",
        Box::new(move |host| {
            let call = crate::port::Call { host, site: &site.site, settings: &site.settings, client: "192.0.2.9" };
            let form = crate::parameters::encoded([("refresh_token", text.as_str())]);
            let answer = crate::refresh::refresh(call, &id, &crate::parameters::Parameters::parse(&form).unwrap()).unwrap();
            *note.borrow_mut() = Some(token(&body(&answer)));
        }),
    ));
    let mine = token(&body(&world.refresh(&client, &old, &[])));
    assert_eq!(other.borrow().as_deref(), Some(mine.as_str()));
    assert!(world.host.revoked.borrow().is_empty());
}

#[test]
fn scopes_and_resources_are_narrowed_and_never_widened() {
    let world = World::new();
    let client = world.client();
    let tokens = body(&world.redeem(&client, &world.code(&client, &[("scope", "read")]), &[]));
    let wider = body(&world.refresh(&client, &token(&tokens), &[("scope", "read write admin")]));
    assert_eq!(str_of(&wider, "scope"), "read");
    assert_eq!(refused(&world.refresh(&client, &token(&wider), &[("scope", "write")])), (400, "invalid_scope".into()));
    assert_eq!(
        refused(&world.refresh(&client, &token(&wider), &[("resource", "https://evil.example/mcp")])),
        (400, "invalid_target".into())
    );
    let plain = body(&world.refresh(&client, &token(&wider), &[]));
    assert_eq!(str_of(&plain, "scope"), "read", "what is left out is the login's");
}

#[test]
fn a_narrowed_token_does_not_narrow_the_login() {
    let world = World::new();
    let (client, tokens) = world.login();
    let narrow = body(&world.refresh(&client, &token(&tokens), &[("scope", "read")]));
    assert_eq!(
        (str_of(&narrow, "scope"), claims(&str_of(&narrow, "access_token"))["scope"].clone()),
        ("read".into(), json!("read"))
    );
    assert_eq!(str_of(&body(&world.refresh(&client, &token(&narrow), &[])), "scope"), "read write");
}

#[test]
fn a_login_ends_when_it_is_idle_and_however_often_it_is_refreshed() {
    let world = World::with(json!({"lifetimes": {"idleSeconds": 1_000, "loginSeconds": 1_500}}));
    let (client, tokens) = world.login();
    world.pass(900);
    let tokens = body(&world.refresh(&client, &token(&tokens), &[]));
    world.pass(590);
    let last = body(&world.refresh(&client, &token(&tokens), &[]));
    assert_eq!(last["expires_in"], json!(10), "an access token does not outlive its login");
    world.pass(11);
    assert_eq!(refused(&world.refresh(&client, &token(&last), &[])), (400, "invalid_grant".into()));
    let idle = World::with(json!({"lifetimes": {"idleSeconds": 1_000}}));
    let (client, tokens) = idle.login();
    idle.pass(1_001);
    assert_eq!(refused(&idle.refresh(&client, &token(&tokens), &[])), (400, "invalid_grant".into()));
}

#[test]
fn a_login_without_a_refresh_token_of_the_provider_is_short() {
    let world = World::with(json!({"lifetimes": {"unrefreshedSeconds": 700}}));
    world.host.provider.borrow_mut().members = json!({"refresh_token": null});
    let (client, tokens) = world.login();
    world.pass(699);
    let tokens = body(&world.refresh(&client, &token(&tokens), &[]));
    world.pass(2);
    assert_eq!(refused(&world.refresh(&client, &token(&tokens), &[])), (400, "invalid_grant".into()));
}

#[test]
fn the_provider_is_asked_when_its_token_is_over_and_what_it_says_of_the_person_holds() {
    let world = World::new();
    let (client, tokens) = world.login();
    let tokens = body(&world.refresh(&client, &token(&tokens), &[]));
    assert_eq!(world.host.provider.borrow().refreshes, 0);
    world.pass(3_600);
    world.host.provider.borrow_mut().claims = json!({"groups": ["readers"]});
    let tokens = body(&world.refresh(&client, &token(&tokens), &[]));
    assert_eq!(world.host.provider.borrow().refreshes, 1);
    let form = world.host.provider.borrow().forms.last().unwrap().1.clone();
    assert!(form.contains("upstream-refresh-0"), "{form}");
    let Verdict::Principal(identity) = world.judge(&str_of(&tokens, "access_token")) else { panic!("refused") };
    assert_eq!(identity.groups, ["readers"]);
    // The provider's new refresh token is the one that is used next.
    world.pass(3_600);
    assert_eq!(world.refresh(&client, &token(&tokens), &[]).status, 200);
    assert!(world.host.provider.borrow().forms.last().unwrap().1.contains("upstream-refresh-1"));
}

#[test]
fn a_provider_whose_tokens_last_no_longer_than_what_counts_as_over_is_asked_once_a_refresh() {
    let world = World::new();
    world.host.provider.borrow_mut().members = json!({"expires_in": 60});
    let (client, tokens) = world.login();
    let tokens = body(&world.refresh(&client, &token(&tokens), &[]));
    assert_eq!(world.host.provider.borrow().refreshes, 1);
    assert_eq!(world.refresh(&client, &token(&tokens), &[]).status, 200);
    assert_eq!(world.host.provider.borrow().refreshes, 2);
}

#[test]
fn a_person_who_is_no_longer_welcome_or_somebody_else_is_out() {
    for change in [json!({"sub": "mallory"}), json!({"aud": "another"})] {
        let world = World::new();
        let (client, tokens) = world.login();
        world.pass(3_600);
        world.host.provider.borrow_mut().claims = change;
        assert_eq!(refused(&world.refresh(&client, &token(&tokens), &[])), (400, "invalid_grant".into()));
        assert_eq!((world.host.revoked.borrow().len(), world.host.has("grant")), (1, 0));
    }
    let world = World::new();
    let (client, tokens) = world.login();
    world.pass(3_600);
    world.host.provider.borrow_mut().trouble = Some(Ok((400, json!({"error": "invalid_grant"}))));
    assert_eq!(refused(&world.refresh(&client, &token(&tokens), &[])), (400, "invalid_grant".into()));
    assert_eq!((world.host.revoked.borrow().len(), world.host.has("grant")), (1, 0));
}

#[test]
fn w7_a_provider_that_is_down_costs_a_retry_and_not_the_login() {
    let troubles: [Result<(u16, Value), HttpError>; 4] = [
        Err(HttpError::Timeout("host".into())),
        Ok((503, json!({}))),
        Ok((401, json!({"error": "invalid_client"}))),
        Ok((200, json!([]))),
    ];
    for trouble in troubles {
        let world = World::new();
        let (client, tokens) = world.login();
        world.pass(3_600);
        world.host.provider.borrow_mut().trouble = Some(trouble);
        let response = world.refresh(&client, &token(&tokens), &[]);
        assert_eq!(refused(&response), (503, "temporarily_unavailable".into()));
        assert_eq!(header(&response, "retry-after"), Some("5"));
        assert!(!text(&response).contains("host"));
        world.host.provider.borrow_mut().trouble = None;
        assert_eq!(world.refresh(&client, &token(&tokens), &[]).status, 200, "nothing was rotated, and the lock is free");
    }
}

#[test]
fn of_several_requests_one_asks_the_provider_and_the_others_wait_for_it() {
    let world = World::new();
    let (client, tokens) = world.login();
    world.pass(3_600);
    let key = |kind: &str| world.host.dump().iter().find(|(key, _)| key.starts_with(&format!("{kind}/"))).unwrap().0.clone();
    let (kept, lock) = (key("tokens"), key("grant").replace("grant/", "lock/"));
    world.host.set_if_absent(&lock, b"null", Some(std::time::Duration::from_secs(20))).unwrap();
    world.host.paused.borrow_mut().push(Box::new(move |host| {
        let renewed = json!({"access": "a", "refresh": "r", "ends": host.now() + 3_600}).to_string();
        host.set(&kept, renewed.as_bytes(), Some(std::time::Duration::from_secs(600))).unwrap();
    }));
    assert_eq!(world.refresh(&client, &token(&tokens), &[]).status, 200);
    assert_eq!(world.host.provider.borrow().refreshes, 0);
}

#[test]
fn who_waits_in_vain_is_told_to_come_again() {
    let world = World::new();
    let (client, tokens) = world.login();
    world.pass(3_600);
    let lock = world.host.dump().iter().find(|(key, _)| key.starts_with("grant/")).unwrap().0.replace("grant/", "lock/");
    world.host.set_if_absent(&lock, b"null", Some(std::time::Duration::from_secs(20))).unwrap();
    assert_eq!(refused(&world.refresh(&client, &token(&tokens), &[])), (503, "temporarily_unavailable".into()));
    world.pass(20);
    assert_eq!(world.refresh(&client, &token(&tokens), &[]).status, 200);
}

#[test]
fn nothing_that_is_stored_is_a_token_of_ours() {
    let world = World::new();
    let (client, tokens) = world.login();
    let second = body(&world.refresh(&client, &token(&tokens), &[]));
    let stored = format!("{:?}", world.host.dump());
    for secret in [token(&tokens), token(&second), str_of(&second, "access_token")] {
        assert!(!stored.contains(&secret));
    }
}

#[test]
fn tokens_that_the_provider_gave_while_the_login_was_ended_are_revoked_there() {
    let world = World::new();
    let (client, tokens) = world.login();
    world.pass(3_600);
    *world.host.answering.borrow_mut() = Some(Box::new(|host| {
        let id = host.dump().iter().find(|(key, _)| key.starts_with("grant/")).unwrap().0.rsplit('/').next().unwrap().to_owned();
        let elsewhere = World::new();
        let call = crate::port::Call { host, site: &elsewhere.site, settings: &elsewhere.settings, client: "192.0.2.9" };
        crate::grant::end(call, &id).unwrap();
    }));
    assert_eq!(refused(&world.refresh(&client, &token(&tokens), &[])), (400, "invalid_grant".into()));
    let (url, form) = world.host.provider.borrow().forms.last().unwrap().clone();
    assert!(url.ends_with("/revoke") && form.contains("upstream-refresh-1"), "{form}");
    assert_eq!((world.host.has("grant"), world.host.has("tokens")), (0, 0));
}

#[test]
fn what_the_provider_says_of_the_person_is_kept_though_another_request_rotates_first() {
    let world = World::new();
    let (client, tokens) = world.login();
    world.pass(3_600);
    world.host.provider.borrow_mut().claims = json!({"groups": ["readers"]});
    // A request that found the provider's token good a moment ago rotates now.
    let site = World::new();
    *world.host.meanwhile.borrow_mut() = Some((
        "grant/",
        Box::new(move |host| {
            let call = crate::port::Call { host, site: &site.site, settings: &site.settings, client: "192.0.2.9" };
            let id =
                host.dump().iter().find(|(key, _)| key.starts_with("grant/")).unwrap().0.rsplit('/').next().unwrap().to_owned();
            let mut found = crate::grant::find(call, &id).unwrap().unwrap();
            found.record.generation += 1;
            found.record.replaced.push(host.now());
            assert!(crate::grant::advance(call, &found).unwrap());
        }),
    ));
    let answer = body(&world.refresh(&client, &token(&tokens), &[]));
    let Verdict::Principal(identity) = world.judge(&str_of(&answer, "access_token")) else { panic!("refused") };
    assert_eq!(identity.groups, ["readers"]);
    assert_eq!(world.host.provider.borrow().refreshes, 1);
}

#[test]
fn who_has_the_lock_looks_again_before_asking_the_provider() {
    let world = World::new();
    let (client, tokens) = world.login();
    world.pass(3_600);
    let (id, text, site) = (client.clone(), token(&tokens), World::new());
    // The other replica is through with it just before we get the lock.
    *world.host.meanwhile.borrow_mut() = Some((
        "lock/",
        Box::new(move |host| {
            let call = crate::port::Call { host, site: &site.site, settings: &site.settings, client: "192.0.2.9" };
            let form = crate::parameters::encoded([("refresh_token", text.as_str())]);
            crate::refresh::refresh(call, &id, &crate::parameters::Parameters::parse(&form).unwrap()).unwrap();
        }),
    ));
    assert_eq!(world.refresh(&client, &token(&tokens), &[]).status, 200);
    assert_eq!(world.host.provider.borrow().refreshes, 1);
}

#[test]
fn a_burst_of_rotations_forgets_the_oldest_of_them_first() {
    let world = World::new();
    let (client, first) = world.login();
    let mut all = vec![token(&first)];
    for _ in 0..10 {
        let next = token(&body(&world.refresh(&client, all.last().unwrap(), &[])));
        all.push(next);
    }
    assert_eq!(token(&body(&world.refresh(&client, &all[3], &[]))), all[10]);
    assert_eq!(refused(&world.refresh(&client, &all[0], &[])), (400, "invalid_grant".into()));
}

#[test]
fn a_login_for_one_resource_is_not_one_for_another_of_ours() {
    let mut world = World::new();
    let other = "https://mcp.example.com/other";
    world.site.resources.push(other.to_owned());
    let (client, tokens) = world.login();
    assert_eq!(refused(&world.refresh(&client, &token(&tokens), &[("resource", other)])), (400, "invalid_target".into()));
    let url = format!("{}&{}", World::request(&client, &[]), crate::parameters::encoded([("resource", other)]));
    let both = body(&world.redeem(&client, &world.code_of(&url), &[]));
    let narrow = body(&world.refresh(&client, &token(&both), &[("resource", other)]));
    assert_eq!(claims(&str_of(&narrow, "access_token"))["aud"], json!([other]));
}

#[test]
fn a_login_that_has_ended_is_not_redeemed_though_its_record_is_still_there() {
    let world = World::with(json!({"lifetimes": {"loginSeconds": 30}}));
    let client = world.client();
    let code = world.code(&client, &[]);
    world.pass(31);
    assert_eq!(world.host.has("grant"), 1);
    assert_eq!(refused(&world.redeem(&client, &code, &[])), (400, "invalid_grant".into()));
}

#[test]
fn what_could_not_be_checked_is_asked_for_again() {
    let world = World::new();
    let (client, tokens) = world.login();
    world.pass(3_600);
    world.host.provider.borrow_mut().claims = json!({"groups": ["readers"]});
    world.host.provider.borrow_mut().keys_away = true;
    assert_eq!(refused(&world.refresh(&client, &token(&tokens), &[])), (503, "temporarily_unavailable".into()));
    world.host.provider.borrow_mut().keys_away = false;
    let answer = body(&world.refresh(&client, &token(&tokens), &[]));
    let Verdict::Principal(identity) = world.judge(&str_of(&answer, "access_token")) else { panic!("refused") };
    assert_eq!(identity.groups, ["readers"]);
    // With the refresh token that came first: the one before it may be void.
    assert!(world.host.provider.borrow().forms.last().unwrap().1.contains("upstream-refresh-1"));
}

#[test]
fn the_provider_is_asked_every_hour_though_its_token_lasts_for_days() {
    let world = World::new();
    world.host.provider.borrow_mut().members = json!({"expires_in": 2_592_000});
    let (client, tokens) = world.login();
    world.pass(3_600);
    assert_eq!(world.refresh(&client, &token(&tokens), &[]).status, 200);
    assert_eq!(world.host.provider.borrow().refreshes, 1);
}

#[test]
fn a_person_whom_the_provider_refuses_in_other_words_is_out_too() {
    for error in ["access_denied", "interaction_required"] {
        let world = World::new();
        let (client, tokens) = world.login();
        world.pass(3_600);
        world.host.provider.borrow_mut().trouble = Some(Ok((403, json!({"error": error}))));
        assert_eq!(refused(&world.refresh(&client, &token(&tokens), &[])), (400, "invalid_grant".into()));
        assert_eq!(world.host.has("grant"), 0);
    }
}

#[test]
fn a_login_at_another_provider_ends_with_the_setting_and_its_tokens_go_nowhere() {
    let mut world = World::new();
    let (client, tokens) = world.login();
    world.settings.upstream.issuer = "https://other.example.com".to_owned();
    world.pass(3_600);
    assert_eq!(refused(&world.refresh(&client, &token(&tokens), &[])), (400, "invalid_grant".into()));
    assert_eq!(world.host.provider.borrow().refreshes, 0);
}

#[test]
fn what_the_operator_takes_away_is_gone_at_the_next_refresh() {
    let mut world = World::new();
    let (client, tokens) = world.login();
    world.site.scopes = vec!["read".to_owned()];
    let answer = body(&world.refresh(&client, &token(&tokens), &[]));
    assert_eq!(str_of(&answer, "scope"), "read");
    world.site.resources = vec!["https://mcp.example.com/other".to_owned()];
    assert_eq!(refused(&world.refresh(&client, &token(&answer), &[])), (400, "invalid_grant".into()));
}
