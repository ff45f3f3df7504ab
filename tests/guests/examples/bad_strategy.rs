//! A strategy that misbehaves as its credential says, in every function: none of it may let anybody in.

use portcullis_plugin::auth::routes::{Request, Response};
use portcullis_plugin::auth::{Attempt, Authenticator, Fault, Identity, Routes, Site, Strategy, Verdict};

struct Bad;

impl Authenticator for Bad {
    fn describe(site: Site) -> Strategy {
        misbehave(&site.origin);
        Strategy::new().route("GET", "/bad")
    }

    fn authenticate(attempt: Attempt) -> Result<Verdict, Fault> {
        misbehave(&attempt.credential);
        let identity = Identity::new("mallory", "https://bad.example", u64::MAX).audience(attempt.resource);
        Ok(match attempt.credential.as_str() {
            "long subject" => Identity { subject: "m".repeat(1_000), ..identity },
            "many groups" => identity.groups((0..10_000).map(|number| number.to_string())),
            "huge claims" => Identity { authorization_details: Some("x".repeat(8 << 20)), ..identity },
            "split header" => identity.scopes(["read\r\nx-admin: yes"]),
            _ => identity,
        }
        .into())
    }
}

impl Routes for Bad {
    fn handle(request: Request) -> Result<Response, Fault> {
        misbehave(&request.path);
        Ok(Response::new(200).header("location", request.query.unwrap_or_default()))
    }
}

#[expect(clippy::panic, reason = "what this guest is for")]
fn misbehave(how: &str) {
    match how {
        "trap" => panic!("a secret in a panic"),
        "loop" => loop {
            std::hint::spin_loop();
        },
        "memory" => std::mem::forget(std::hint::black_box(vec![1_u8; 1 << 30])),
        _ => {}
    }
}

portcullis_plugin::manifest!("name: bad-strategy\nversion: 0.1.0\ndescription: Misbehaves.\n");
portcullis_plugin::export_authenticator!(Bad with routes);
