//! Tokens of strangers and of this host's own: the ones that are believed, and the attacks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::jwt::{JwtCode, Keys, RingAlgorithm};
use portcullis_core::keyring::KeyRing;
use portcullis_core::ports::{Discovery as _, Tokens as _};
use portcullis_core::secret::Secret;
use portcullis_trust::{Trust, TrustError, TrustOptions};
use ring::hmac;
use serde_json::{Value, json};

use crate::issuer::{Issuer, Key, expected, unsigned};
use crate::outage::until;
use crate::world::host;

const ALL: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256", "HS384", "HS512", "none", "NONE",
    "",
];

#[tokio::test]
async fn tokens_of_every_algorithm_verify_and_forged_ones_do_not() {
    let keys = [Key::rsa(), Key::p256(), Key::p384(), Key::ed25519()];
    let issuer = Issuer::start(keys.iter().zip(["r", "p", "q", "e"]).map(|(key, id)| key.jwk(id)).collect()).await;
    let (host, _) = host();
    for (at, id, algorithm) in [
        (0, "r", "RS256"),
        (0, "r", "RS384"),
        (0, "r", "RS512"),
        (0, "r", "PS256"),
        (0, "r", "PS384"),
        (0, "r", "PS512"),
        (1, "p", "ES256"),
        (2, "q", "ES384"),
        (3, "e", "EdDSA"),
    ] {
        let header = json!({ "alg": algorithm, "kid": id });
        let token = keys[at].token(&header, &issuer.claims());
        let verified = host.verify(&token, &issuer.of(), &issuer.expected(&[algorithm]), true).await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&verified.claims).unwrap()["sub"], "alice", "{algorithm}");
        let signature = token.rsplit_once('.').unwrap().1;
        let mut claims = issuer.claims();
        claims["sub"] = "mallory".into();
        let forged = format!("{}.{signature}", unsigned(&header, &claims));
        let refused = host.verify(&forged, &issuer.of(), &issuer.expected(&[algorithm]), true).await.unwrap_err();
        assert_eq!(refused.code, JwtCode::Signature, "{algorithm}");
    }
}

async fn refusal(host: &Trust, token: &str, issuer: &Issuer) -> JwtCode {
    let error = host.verify(token, &issuer.of(), &issuer.expected(ALL), true).await.unwrap_err();
    for part in token.split('.').filter(|part| part.len() > 8) {
        assert!(!error.message.contains(part), "a message with a part of the token");
    }
    error.code
}

#[tokio::test]
async fn no_algorithm_is_talked_into_another_keys_business() {
    let (rsa, p256, (host, _)) = (Key::rsa(), Key::p256(), host());
    let issuer = Issuer::start(vec![rsa.jwk("r"), p256.jwk("p")]).await;
    for none in ["none", "NONE", ""] {
        let token = format!("{}.", unsigned(&json!({ "alg": none, "kid": "r" }), &issuer.claims()));
        assert_eq!(refusal(&host, &token, &issuer).await, JwtCode::Algorithm);
    }
    // A public key is public: as the secret of an HMAC it would let anybody sign.
    let Key::Rsa(pair) = &rsa else { panic!("not RSA") };
    for algorithm in ["HS256", "HS384", "HS512"] {
        let signed = unsigned(&json!({ "alg": algorithm, "kid": "r" }), &issuer.claims());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pair.public().as_ref()), signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(refusal(&host, &token, &issuer).await, JwtCode::Algorithm);
    }
    let crossed = p256.token(&json!({ "alg": "ES256", "kid": "r" }), &issuer.claims());
    assert_eq!(refusal(&host, &crossed, &issuer).await, JwtCode::Algorithm);
    let unexpected = rsa.token(&json!({ "alg": "RS256", "kid": "r" }), &issuer.claims());
    let error = host.verify(&unexpected, &issuer.of(), &issuer.expected(&["ES256"]), true).await.unwrap_err();
    assert_eq!(error.code, JwtCode::Algorithm);
}

#[tokio::test]
async fn a_key_of_the_tokens_own_header_is_not_believed() {
    let (own, other, (host, _)) = (Key::p256(), Key::p256(), host());
    let issuer = Issuer::start(vec![own.jwk("a")]).await;
    let header =
        json!({ "alg": "ES256", "jwk": other.jwk("b"), "jku": "https://evil.example/keys", "x5u": "https://evil.example" });
    assert_eq!(refusal(&host, &other.token(&header, &issuer.claims()), &issuer).await, JwtCode::Signature);
}

#[tokio::test]
async fn critical_headers_wrong_types_and_times_are_refused() {
    let (key, (host, clock)) = (Key::ed25519(), host());
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    let header = |typ: Option<&str>| {
        typ.map_or(json!({ "alg": "EdDSA", "kid": "a" }), |typ| json!({ "alg": "EdDSA", "kid": "a", "typ": typ }))
    };
    let critical = json!({ "alg": "EdDSA", "kid": "a", "crit": ["b64"], "b64": false });
    assert_eq!(refusal(&host, &key.token(&critical, &issuer.claims()), &issuer).await, JwtCode::Critical);
    for (types, typ, good) in [
        (&["at+jwt"][..], Some("application/AT+JWT"), true),
        (&["at+jwt"], Some("JWT"), false),
        (&["at+jwt"], None, false),
        (&["at+jwt", ""], None, true),
        (&[], Some("anything"), true),
    ] {
        let mut expected = issuer.expected(&["EdDSA"]);
        expected.types = types.iter().map(|&one| one.to_owned()).collect();
        let verified = host.verify(&key.token(&header(typ), &issuer.claims()), &issuer.of(), &expected, true).await;
        assert_eq!(verified.map_err(|error| error.code).err(), (!good).then_some(JwtCode::Type), "{types:?} {typ:?}");
    }
    let mut endless = issuer.claims();
    endless.as_object_mut().unwrap().remove("exp");
    assert_eq!(refusal(&host, &key.token(&header(None), &endless), &issuer).await, JwtCode::Malformed);
    let mut foreign = issuer.claims();
    foreign["iss"] = "https://other.example".into();
    assert_eq!(refusal(&host, &key.token(&header(None), &foreign), &issuer).await, JwtCode::Issuer);
    clock.advance(8 * 24 * 3600);
    assert_eq!(refusal(&host, &key.token(&header(None), &issuer.claims()), &issuer).await, JwtCode::Expired);
}

#[tokio::test]
async fn claims_of_which_two_readers_could_read_two_things_are_refused() {
    let (key, (host, _)) = (Key::ed25519(), host());
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    let claims = issuer.claims().to_string().replace(r#""sub""#, r#""sub":"mallory","sub""#);
    let header = json!({ "alg": "EdDSA", "kid": "a" }).to_string();
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign("EdDSA", signed.as_bytes())));
    assert_eq!(refusal(&host, &token, &issuer).await, JwtCode::Malformed);
}

#[tokio::test]
async fn a_flood_of_unknown_key_ids_makes_one_request() {
    let (key, (host, clock)) = (Key::p256(), host());
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    for at in 0..200 {
        let token = key.token(&json!({ "alg": "ES256", "kid": format!("x{at}") }), &issuer.claims());
        assert_eq!(refusal(&host, &token, &issuer).await, JwtCode::UnknownKey);
    }
    assert_eq!(issuer.server.hits("/keys"), 2, "the first and one more");
    assert_eq!(issuer.server.all_hits(), 4, "and the document likewise");
    clock.advance(31);
    let token = key.token(&json!({ "alg": "ES256", "kid": "y" }), &issuer.claims());
    assert_eq!(refusal(&host, &token, &issuer).await, JwtCode::UnknownKey);
    assert_eq!(issuer.server.hits("/keys"), 3);
}

#[tokio::test]
async fn a_new_key_is_found_at_its_first_token_and_a_withdrawn_one_is_forgotten() {
    let (old, new, (host, clock)) = (Key::p256(), Key::p256(), host());
    let issuer = Issuer::start(vec![old.jwk("old")]).await;
    let token = |key: &Key, id: &str| key.token(&json!({ "alg": "ES256", "kid": id }), &issuer.claims());
    let expected = issuer.expected(&["ES256"]);
    let verify = async |token: String| host.verify(&token, &issuer.of(), &expected, true).await.map_err(|error| error.code);
    verify(token(&old, "old")).await.unwrap();
    issuer.publish(vec![new.jwk("new")]);
    verify(token(&new, "new")).await.unwrap();
    assert_eq!(verify(token(&old, "old")).await, Err(JwtCode::UnknownKey));
    issuer.publish(vec![]);
    clock.advance(3601);
    until(async || verify(token(&new, "new")).await == Err(JwtCode::UnknownKey)).await;
}

#[tokio::test]
async fn keys_that_moved_are_found_where_the_document_says_now() {
    let (old, new, (host, clock)) = (Key::p256(), Key::p256(), host());
    let issuer = Issuer::start(vec![old.jwk("old")]).await;
    let verify = async |key: &Key, id: &str| {
        let token = key.token(&json!({ "alg": "ES256", "kid": id }), &issuer.claims());
        host.verify(&token, &issuer.of(), &issuer.expected(&["ES256"]), true).await.map(|_| ())
    };
    verify(&old, "old").await.unwrap();
    issuer.publish(vec![new.jwk("new")]);
    issuer.recover("/moved");
    verify(&new, "new").await.unwrap();
    assert_eq!(issuer.server.hits("/moved"), 1);
    issuer.recover("/again");
    clock.advance(3601);
    until(async || !host.fetch(&issuer.url(), true).await.unwrap().stale).await;
    verify(&new, "new").await.unwrap();
    assert_eq!(issuer.server.hits("/again"), 1);
}

#[tokio::test]
async fn a_token_without_key_id_is_tried_with_a_few_keys() {
    let (keys, (host, _)) = ((0..6).map(|_| Key::p256()).collect::<Vec<_>>(), host());
    let issuer = Issuer::start(keys.iter().enumerate().map(|(at, key)| key.jwk(&at.to_string())).collect()).await;
    for (at, key) in keys.iter().enumerate() {
        let token = key.token(&json!({ "alg": "ES256" }), &issuer.claims());
        let verified = host.verify(&token, &issuer.of(), &issuer.expected(&["ES256"]), true).await;
        assert_eq!(verified.is_ok(), at < 4, "{at}");
    }
}

#[tokio::test]
async fn a_key_set_may_be_named_by_its_url() {
    let (key, (host, _)) = (Key::rsa(), host());
    let issuer = Issuer::start(vec![key.jwk("a")]).await;
    let token = key.token(&json!({ "alg": "PS256", "kid": "a" }), &issuer.claims());
    let keys = Keys::KeySet(issuer.server.url("/keys"));
    assert!(host.verify(&token, &keys, &issuer.expected(&["PS256"]), true).await.is_ok());
    let refused = host.verify(&token, &keys, &issuer.expected(&["PS256"]), false).await.unwrap_err();
    assert_eq!(refused.code, JwtCode::Unavailable);
}

fn own(rings: &[(&str, RingAlgorithm)]) -> Result<std::sync::Arc<Trust>, TrustError> {
    let keys = KeyRing::new(vec![("k".to_owned(), Secret::new("x".repeat(44)))]).unwrap();
    let rings = rings.iter().map(|&(name, algorithm)| (name.to_owned(), algorithm)).collect();
    Trust::new(TrustOptions { rings, keys: Some(keys), ..TrustOptions::default() })
}

#[tokio::test]
async fn what_a_ring_signs_that_ring_verifies_and_no_other() {
    let rings =
        [("h", RingAlgorithm::Hs256), ("i", RingAlgorithm::Hs256), ("e", RingAlgorithm::EdDsa), ("p", RingAlgorithm::Es256)];
    let host = own(&rings).unwrap();
    for (name, algorithm) in [("h", "HS256"), ("i", "HS256"), ("e", "EdDSA"), ("p", "ES256")] {
        let token = host.sign(name, "at+jwt", r#"{"exp": 4102444800, "sub": "alice"}"#).unwrap();
        for (other, _) in rings {
            let verified = host.verify(&token, &Keys::Ring(other.into()), &expected(&[algorithm], None), false).await;
            assert_eq!(verified.is_ok(), other == name, "{name} {other}");
        }
        let verified = host.verify(&token, &Keys::Ring(name.into()), &expected(ALL, None), false).await.unwrap();
        let header: Value = serde_json::from_str(&verified.header).unwrap();
        assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some(algorithm), Some("at+jwt")));
        assert_eq!(verified.claims, r#"{"exp": 4102444800, "sub": "alice"}"#);
    }
}

#[tokio::test]
async fn a_rings_key_serves_the_rings_algorithm_only_whatever_the_header_says() {
    let masters = KeyRing::new(vec![("k".to_owned(), Secret::new("x".repeat(44)))]).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &*masters.active().derive("jwt/h/HS256"));
    let host = own(&[("h", RingAlgorithm::Hs256)]).unwrap();
    for (algorithm, refusal) in [("HS256", None), ("HS512", Some(JwtCode::Algorithm)), ("EdDSA", Some(JwtCode::Algorithm))] {
        let signed = unsigned(&json!({ "alg": algorithm }), &json!({ "exp": 4_102_444_800_u64 }));
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())));
        let verified = host.verify(&token, &Keys::Ring("h".into()), &expected(ALL, None), false).await;
        assert_eq!(verified.err().map(|error| error.code), refusal, "{algorithm}");
    }
}

#[tokio::test]
async fn a_ring_signs_only_what_it_would_verify() {
    let host = own(&[("h", RingAlgorithm::Hs256)]).unwrap();
    let long = format!(r#"{{"exp": 1, "a": "{}"}}"#, "a".repeat(16 << 10));
    for claims in ["", "[]", "{}", r#"{"exp": "1"}"#, r#"{"exp": 1, "exp": 2}"#, long.as_str()] {
        assert_eq!(host.sign("h", "JWT", claims).unwrap_err().code, JwtCode::Malformed, "{claims:.40}");
    }
    assert_eq!(host.sign("none", "JWT", r#"{"exp": 1}"#).unwrap_err().code, JwtCode::Internal);
    assert_eq!(host.public_keys("none").unwrap_err().code, JwtCode::Internal);
}

#[test]
fn rings_need_keys_and_names_of_their_own() {
    let rings = vec![("a".to_owned(), RingAlgorithm::EdDsa)];
    assert!(matches!(Trust::new(TrustOptions { rings, ..TrustOptions::default() }), Err(TrustError::NoKeys(_))));
    let twice = own(&[("a", RingAlgorithm::EdDsa), ("a", RingAlgorithm::Hs256)]);
    assert!(matches!(twice, Err(TrustError::Twice(_))));
    let authorities = Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned());
    assert!(matches!(Trust::new(TrustOptions { authorities, ..TrustOptions::default() }), Err(TrustError::Client(_))));
}
