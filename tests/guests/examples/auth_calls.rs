//! A strategy that does what its credential says, with every capability of strategies: "verb argument …" becomes the identity's name, or the
//! message of a rejection.

use std::time::Duration;

use portcullis_plugin::auth::http::Request;
use portcullis_plugin::auth::jwt::{Expectation, Keys};
use portcullis_plugin::auth::{
    Attempt, Authenticator, Clock, Discovery, Fault, Host, Http, Identity, Jwt, KeyValue, Random, Rejection, Secrets, Site,
    Strategy, Verdict,
};

struct Caller;

type Answer = Result<String, String>;

impl Authenticator for Caller {
    fn describe(_: Site) -> Strategy {
        Strategy::new()
    }

    fn authenticate(attempt: Attempt) -> Result<Verdict, Fault> {
        let words: Vec<&str> = attempt.credential.split(' ').collect();
        Ok(match perform(&words) {
            Ok(said) => {
                let identity = Identity::new("caller", "https://calls.example", u64::MAX).audience(attempt.resource);
                Identity { name: Some(said), ..identity }.into()
            }
            Err(problem) => Rejection::invalid(problem).into(),
        })
    }
}

fn perform(words: &[&str]) -> Answer {
    match words {
        ["verify", kind, whose] => verify(kind, (*whose).to_owned()),
        ["sign", ring] => Host.sign(ring, "at+jwt", "{\"exp\":1}").map_err(|problem| problem.code),
        ["public-keys", ring] => Host.public_keys(ring).map_err(|problem| problem.code),
        ["discover", issuer] => Host.discover(issuer).map(|document| document.body).map_err(|problem| problem.code),
        ["secret", name] => Host.secret(name).ok_or_else(|| "none".to_owned()),
        ["now"] => Ok(Host.now().to_string()),
        ["random", bytes] => Ok(Host.random(bytes.parse().unwrap_or(0)).len().to_string()),
        ["http", method, url, rest @ ..] => http(method, url, rest.first().copied().unwrap_or_default()),
        ["flood", times] => flood(times.parse().unwrap_or(0)),
        [] => Err("nothing to do".to_owned()),
        other => keyvalue(other),
    }
}

fn verify(kind: &str, whose: String) -> Answer {
    let keys = match kind {
        "issuer" => Keys::Issuer(whose),
        "ring" => Keys::Ring(whose),
        _ => Keys::KeySet(whose),
    };
    let expected = Expectation { algorithms: vec!["RS256".to_owned()], types: vec![String::new()], issuer: None, leeway_s: 30 };
    Host.verify("a.b.c", &keys, &expected).map(|verified| verified.claims).map_err(|problem| problem.code)
}

fn keyvalue(words: &[&str]) -> Answer {
    let ttl = Some(Duration::from_secs(60));
    let text = |entry: Option<portcullis_plugin::auth::keyvalue::Entry>| {
        entry
            .map_or("none".to_owned(), |entry| [&String::from_utf8_lossy(&entry.value), "@", &entry.version.to_string()].concat())
    };
    let done = match words {
        ["get", key] => Host.get(key).map(text),
        ["set", key, value] => Host.set(key, value.as_bytes(), ttl).map(|()| "set".to_owned()),
        ["add", key, value] => Host.set_if_absent(key, value.as_bytes(), None).map(|done| done.to_string()),
        ["swap", key, version, value] => {
            Host.compare_and_swap(key, version.parse().unwrap_or(0), value.as_bytes(), ttl).map(|done| done.to_string())
        }
        ["take", key] => Host.take(key).map(text),
        ["delete", key] => Host.delete(key).map(|done| done.to_string()),
        ["revoke", grant] => Host.revoke(grant).map(|()| "revoked".to_owned()),
        _ => Ok("what?".to_owned()),
    };
    done.map_err(|problem| problem.code)
}

/// Status, an echoed header and the length of the body; or the error in words.
fn http(method: &str, url: &str, body: &str) -> Answer {
    let request = Request { method: method.to_owned(), body: body.as_bytes().to_vec(), ..Request::get(url) };
    let request = request.header("authorization", "Bearer mine").header("x-own", "1");
    let reply = Host.send(request).map_err(|error| format!("{error:?}"))?;
    Ok(format!("{} {} {}", reply.status, reply.header("x-echo").unwrap_or("-"), reply.body.len()))
}

fn flood(times: u32) -> Answer {
    (0..times).try_for_each(|_| Host.get("k").map(drop)).map(|()| "done".to_owned()).map_err(|problem| problem.code)
}

portcullis_plugin::manifest!(
    r#"name: auth-calls
version: 0.1.0
description: Does what the credential says.
requests:
  clocks: true
  random: true
  keyvalue: true
  jwt: { issuers: ["*"], keySets: ["*"], rings: ["*"] }
  discovery: { issuers: ["*"] }
  secrets: { names: ["*"] }
  http: { rules: [{ host: "*", methods: [GET, POST] }] }
"#
);
portcullis_plugin::export_authenticator!(Caller);
