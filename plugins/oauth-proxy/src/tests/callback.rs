//! The provider's answer.

use portcullis_plugin::auth::http::HttpError;
use portcullis_plugin::testing;
use serde_json::{Value, json};

use super::provider::{CLIENT, ISSUER};
use super::world::{Browser, World, location, query, redirected, text};
use crate::parameters::{Parameters, encoded};

/// A login as far as the provider: the world, the browser, where it comes back to.
fn at_provider(members: Value) -> (World, Browser, String) {
    let world = World::with(members);
    let mut browser = Browser::default();
    let url = world.approved(&mut browser, &World::request(&world.client(), &[]));
    let back = world.logged_in(&url);
    (world, browser, back)
}

/// What the client hears after the provider was changed like this.
fn heard(change: impl FnOnce(&mut super::provider::Provider)) -> String {
    let (world, mut browser, back) = at_provider(json!({}));
    change(&mut world.host.provider.borrow_mut());
    redirected(&world.browse(&mut browser, "GET", &back, ""))
}

#[test]
fn the_leg_to_the_provider_has_its_own_state_nonce_and_challenge() {
    let world =
        World::with(json!({"upstream": {"authorizeParameters": {"audience": "https://api", "state": "fixed", "scope": "x"}}}));
    let client = world.client();
    let legs: Vec<Parameters> =
        (0..2).map(|_| query(&world.approved(&mut Browser::default(), &World::request(&client, &[])))).collect();
    for name in ["state", "nonce", "code_challenge"] {
        let values: Vec<&str> = legs.iter().map(|leg| leg.need(name).unwrap()).collect();
        assert!(
            values[0] != values[1] && values.iter().all(|value| value.len() == 43 && *value != "s1" && *value != "fixed"),
            "{name}"
        );
    }
    assert_eq!(legs[0].need("code_challenge_method").unwrap(), "S256");
    assert_eq!((legs[0].need("audience").unwrap(), legs[0].need("client_id").unwrap()), ("https://api", CLIENT));
    assert_eq!(legs[0].need("scope").unwrap(), "openid profile email offline_access");
    assert_eq!(legs[0].need("redirect_uri").unwrap(), "https://mcp.example.com/auth/callback");
}

#[test]
fn a_login_ends_at_the_client_with_code_state_and_iss() {
    let (world, mut browser, back) = at_provider(json!({}));
    let response = world.browse(&mut browser, "GET", &back, "");
    assert_eq!(redirected(&response), "none");
    assert_eq!(query(&location(&response)).need("code").unwrap().len(), 43);
    assert!(browser.0.is_empty(), "cookies are taken away");
}

#[test]
fn cve_2026_27124_only_the_browser_that_gave_consent_comes_back() {
    let (world, mut browser, back) = at_provider(json!({}));
    let mut victim = Browser::default();
    assert_eq!(world.browse(&mut victim, "GET", &back, "").status, 403);
    assert_eq!(world.host.has("grant"), 0);
    assert_eq!(redirected(&world.browse(&mut browser, "GET", &back, "")), "none");
}

#[test]
fn an_answer_counts_once_and_for_ten_minutes() {
    let (world, mut browser, back) = at_provider(json!({}));
    let cookies = browser.clone();
    assert_eq!(redirected(&world.browse(&mut browser, "GET", &back, "")), "none");
    assert_eq!(world.browse(&mut cookies.clone(), "GET", &back, "").status, 400);
    let (world, mut browser, back) = at_provider(json!({}));
    world.pass(601);
    assert_eq!(world.browse(&mut browser, "GET", &back, "").status, 400);
}

#[test]
fn w8_mix_up_an_answer_of_another_provider_is_refused() {
    let with_iss = |iss: Option<&str>, says: bool| {
        let (world, mut browser, back) = at_provider(json!({}));
        if !says {
            world
                .host
                .provider
                .borrow_mut()
                .document
                .as_mut()
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove("authorization_response_iss_parameter_supported");
        }
        let answer = query(&back);
        let mut pairs = vec![("code", answer.need("code").unwrap()), ("state", answer.need("state").unwrap())];
        pairs.extend(iss.map(|iss| ("iss", iss)));
        redirected(&world.browse(&mut browser, "GET", &format!("/auth/callback?{}", encoded(pairs)), ""))
    };
    assert_eq!(with_iss(Some("https://evil.example"), true), "server_error");
    assert_eq!(with_iss(Some("https://id.example.com/"), true), "server_error");
    assert_eq!(with_iss(None, true), "server_error");
    assert_eq!(with_iss(Some("https://evil.example"), false), "server_error");
    assert_eq!(with_iss(None, false), "none");
}

#[test]
fn w8_the_id_token_is_validated_at_the_login() {
    for claims in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"aud": "another"}),
        json!({"aud": [CLIENT, "another"]}),
        json!({"azp": "another"}),
        json!({"iss": "https://evil.example"}),
        json!({"exp": 1}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": "a".repeat(256)}),
        json!({"at_hash": "wrong"}),
    ] {
        assert_eq!(heard(|provider| provider.claims = claims.clone()), "server_error", "{claims}");
    }
    assert_eq!(heard(|provider| provider.claims = json!({"aud": [CLIENT, "another"], "azp": CLIENT})), "none");
    assert_eq!(heard(|provider| provider.signed_by = "https://evil.example".to_owned()), "server_error");
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "RS256", "typ": "at+jwt"}),
        json!({"alg": "RS256", "typ": "logout+jwt"}),
    ] {
        assert_eq!(heard(|provider| provider.header = header.clone()), "server_error", "{header}");
    }
    assert_eq!(heard(|provider| provider.members = json!({"id_token": null})), "server_error");
}

#[test]
fn at_hash_ties_the_id_token_to_the_access_token_whatever_the_algorithm() {
    use sha2::Digest as _;
    let half = |hash: &[u8]| crate::secret::encode(&hash[..hash.len() / 2]);
    let access = "upstream-access-0";
    for (algorithm, hash) in [
        ("RS256", half(&sha2::Sha256::digest(access))),
        ("ES384", half(&sha2::Sha384::digest(access))),
        ("PS512", half(&sha2::Sha512::digest(access))),
        ("EdDSA", half(&sha2::Sha512::digest(access))),
    ] {
        let change = |provider: &mut super::provider::Provider| {
            provider.claims = json!({"at_hash": hash});
            provider.header = json!({"alg": algorithm, "typ": "JWT"});
        };
        assert_eq!(heard(change), "none", "{algorithm}");
    }
}

#[test]
fn w7_a_provider_that_is_down_is_told_in_our_words_only() {
    for trouble in [
        Err(HttpError::Timeout("`secret-host.internal`: slow".to_owned())),
        Ok((500, json!({"error": "secret-host.internal"}))),
        Ok((401, json!({"error": "invalid_client", "error_description": "secret-host.internal"}))),
        Ok((302, json!({}))),
        Ok((200, json!({"token": 1}))),
    ] {
        let (world, mut browser, back) = at_provider(json!({}));
        world.host.provider.borrow_mut().trouble = Some(trouble);
        let response = world.browse(&mut browser, "GET", &back, "");
        assert_eq!(redirected(&response), "temporarily_unavailable");
        assert!(!location(&response).contains("internal"));
    }
    assert_eq!(heard(|provider| provider.codes.clear()), "server_error");
    assert_eq!(heard(|provider| provider.keys_away = true), "temporarily_unavailable");
}

#[test]
fn a_provider_without_a_document_sends_the_user_back_before_the_login() {
    let world = World::new();
    let mut browser = Browser::default();
    let client = world.client();
    let (_, request, csrf) = world.asked(&mut browser, &World::request(&client, &[]));
    world.host.provider.borrow_mut().document = None;
    let form = encoded([("request", request.as_str()), ("csrf", &csrf), ("answer", "approve")]);
    assert_eq!(redirected(&world.browse(&mut browser, "POST", "/consent", &form)), "temporarily_unavailable");
}

#[test]
fn an_endpoint_without_tls_gets_no_secret_of_ours() {
    let world = World::new();
    let mut browser = Browser::default();
    let (_, request, csrf) = world.asked(&mut browser, &World::request(&world.client(), &[]));
    world.host.provider.borrow_mut().document.as_mut().unwrap()["authorization_endpoint"] =
        json!("http://id.example.com/authorize");
    let form = encoded([("request", request.as_str()), ("csrf", &csrf), ("answer", "approve")]);
    assert_eq!(redirected(&world.browse(&mut browser, "POST", "/consent", &form)), "temporarily_unavailable");
}

#[test]
fn errors_of_the_provider_pass_if_they_are_known_and_its_words_never_do() {
    for (error, heard) in
        [("access_denied", "access_denied"), ("evil\r\nSet-Cookie", "server_error"), ("invalid_scope", "server_error")]
    {
        let (world, mut browser, back) = at_provider(json!({}));
        let state = query(&back).need("state").unwrap().to_owned();
        let pairs = [("error", error), ("error_description", "secret"), ("state", &state), ("iss", ISSUER)];
        let response = world.browse(&mut browser, "GET", &format!("/auth/callback?{}", encoded(pairs)), "");
        assert_eq!(redirected(&response), heard);
        assert!(!location(&response).contains("secret"));
    }
}

#[test]
fn a_secret_of_the_settings_goes_to_the_provider_and_nowhere_else() {
    let (world, mut browser, back) =
        at_provider(json!({"upstream": {"clientSecret": "known", "tokenParameters": {"audience": "a", "code": "x"}}}));
    assert_eq!(redirected(&world.browse(&mut browser, "GET", &back, "")), "none");
    let (url, form) = world.host.provider.borrow().forms[0].clone();
    let form = Parameters::parse(&form).unwrap();
    assert_eq!(url, "https://id.example.com/token");
    assert_eq!((form.need("client_secret").unwrap(), form.need("audience").unwrap()), ("sixteen-bytes-or-more", "a"));
    let (world, mut browser, back) = at_provider(json!({"upstream": {"clientSecret": "absent"}}));
    assert_eq!(redirected(&world.browse(&mut browser, "GET", &back, "")), "temporarily_unavailable");
    assert!(world.host.provider.borrow().forms.is_empty());
}

#[test]
fn no_secret_is_logged_or_shown_and_none_is_a_key_of_the_store() {
    drop(testing::take());
    let (world, mut browser, back) = at_provider(json!({}));
    let cookies = browser.0.clone();
    let state = query(&back).need("state").unwrap().to_owned();
    let code = query(&location(&world.browse(&mut browser, "GET", &back, ""))).need("code").unwrap().to_owned();
    world.browse(&mut Browser::default(), "GET", &back, "");
    let heard = format!("{:?}", testing::take());
    let stored = world.host.dump();
    for secret in cookies.iter().map(|(_, value)| value).chain([&state, &code]) {
        assert!(!heard.contains(secret.as_str()));
        assert!(stored.iter().all(|(key, value)| !key.contains(secret.as_str()) && !value.contains(secret.as_str())));
    }
    let page = text(&world.browse(&mut Browser::default(), "GET", "/auth/callback?state=x%3Cscript%3E", ""));
    assert!(!page.contains("<script"));
}

#[test]
fn what_the_provider_grants_must_be_of_a_type_that_the_operator_named_and_short() {
    let heard = |granted: Value| {
        let world = World::with(json!({"authorizationDetails": {"types": ["project"], "forward": true}}));
        world.host.provider.borrow_mut().members = json!({"authorization_details": granted});
        let mut browser = Browser::default();
        let asked = [("authorization_details", "[{\"type\":\"project\"}]")];
        let url = world.approved(&mut browser, &World::request(&world.client(), &asked));
        assert!(query(&url).need("authorization_details").unwrap().contains("project"));
        let back = world.logged_in(&url);
        redirected(&world.browse(&mut browser, "GET", &back, ""))
    };
    assert_eq!(heard(json!([{"type": "project", "id": 1}])), "none");
    assert_eq!(heard(json!([{"type": "admin"}])), "server_error");
    // A login without details would be one without that restriction.
    assert_eq!((heard(json!([])), heard(json!(null))), ("server_error".into(), "server_error".into()));
    assert_eq!(heard(json!([{"type": "project", "id": "x".repeat(2_048)}])), "server_error");
}

#[test]
fn a_clients_prompt_is_passed_on_unless_the_operator_has_one() {
    let prompt = |parameters: Value| {
        let world = World::with(json!({"upstream": {"authorizeParameters": parameters}}));
        let url = World::request(&world.client(), &[("prompt", "select_account")]);
        query(&world.approved(&mut Browser::default(), &url)).need("prompt").unwrap().to_owned()
    };
    assert_eq!((prompt(json!({})), prompt(json!({"prompt": "login"}))), ("select_account".into(), "login".into()));
}
