//! `private_key_jwt`: what the provider gets instead of a secret.

use serde_json::{Value, json};

use super::fake::NOW;
use super::provider::{CLIENT, ISSUER};
use super::world::{World, claims};
use crate::parameters::Parameters;
use crate::secret::decode;
use crate::settings::Settings;

/// A login and its end; the forms that the provider got.
fn forms(upstream: Value) -> Vec<Parameters> {
    let world = World::with(json!({"upstream": upstream, "ring": "ours"}));
    let (client, tokens) = world.login();
    world.form("/revoke", &[("client_id", &client), ("token", tokens["access_token"].as_str().unwrap())]);
    let forms = world.host.provider.borrow().forms.clone();
    forms.iter().map(|(_, form)| Parameters::parse(form).unwrap()).collect()
}

#[test]
fn the_provider_gets_a_signature_of_ours_each_time_another_and_no_secret() {
    let forms = forms(json!({"authentication": "privateKey"}));
    assert_eq!(forms.len(), 2, "the code, and the revocation");
    let mut ids = Vec::new();
    for form in &forms {
        assert_eq!(form.one("client_secret").unwrap(), None);
        assert_eq!(form.need("client_assertion_type").unwrap(), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let assertion = form.need("client_assertion").unwrap();
        let (mut claims, parts) = (claims(assertion), assertion.split('.').collect::<Vec<_>>());
        assert_eq!(decode(parts[2]).unwrap(), b"ring ours");
        assert_eq!(serde_json::from_slice::<Value>(&decode(parts[0]).unwrap()).unwrap()["typ"], "JWT");
        ids.push(claims["jti"].take());
        let token = format!("{ISSUER}/token");
        assert_eq!(claims, json!({"iss": CLIENT, "sub": CLIENT, "aud": token, "iat": NOW, "exp": NOW + 60, "jti": null}));
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn the_audience_is_the_operators_to_name() {
    let forms = forms(json!({"authentication": "privateKey", "assertionAudience": ISSUER}));
    assert_eq!(claims(forms[0].need("client_assertion").unwrap())["aud"], ISSUER);
}

#[test]
fn without_it_there_is_none() {
    assert!(forms(json!({})).iter().all(|form| form.one("client_assertion").unwrap().is_none()));
}

#[test]
fn a_ring_without_public_keys_signs_nothing_for_others() {
    let world = World::with(json!({"upstream": {"authentication": "privateKey"}}));
    world.host.algorithm.set("HS256");
    drop(portcullis_plugin::testing::take());
    assert!(crate::provider::redeem(world.call(), "c", "v", "r").is_err());
    assert!(format!("{:?}", portcullis_plugin::testing::take()).contains("algorithm: ES256"));
    assert!(world.host.provider.borrow().forms.is_empty());
}

#[test]
fn settings_that_would_be_ignored_are_refused() {
    for (upstream, named) in [
        (json!({"authentication": "privateKey", "clientSecret": "s"}), "upstream.clientSecret"),
        (json!({"assertionAudience": "a"}), "upstream.assertionAudience"),
    ] {
        let mut settings = json!({"upstream": {"issuer": ISSUER, "clientId": CLIENT}});
        settings["upstream"].as_object_mut().unwrap().extend(upstream.as_object().unwrap().clone());
        assert!(Settings::parse(&settings.to_string()).unwrap_err().contains(named));
    }
}
