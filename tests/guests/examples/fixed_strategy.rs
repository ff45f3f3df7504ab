//! The smallest strategy with routes: knows one token, "alice-token", and says hello at one path. Imports nothing. The frozen ABI's, too.

use portcullis_plugin::auth::routes::{Request, Response};
use portcullis_plugin::auth::{Attempt, Authenticator, Fault, Identity, Rejection, Routes, Site, Strategy, Verdict};

struct Fixed;

impl Authenticator for Fixed {
    fn describe(site: Site) -> Strategy {
        let strategy = Strategy::new().authorization_server(site.origin).scopes(site.scopes).shape("prefix:alice-");
        strategy.route("GET", "/hello").metadata(r#"{"resource_name":"Fixed"}"#)
    }

    fn authenticate(attempt: Attempt) -> Result<Verdict, Fault> {
        match attempt.credential.as_str() {
            "alice-token" => {
                let alice = Identity::new("alice", attempt.site.origin, 4_102_444_800).groups(["staff"]).scopes(["read"]);
                Ok(Identity { grant: Some("login-1".to_owned()), ..alice.audience(attempt.resource) }.into())
            }
            "alice-expired" => Ok(Rejection::expired("the token has expired").into()),
            "alice-later" => Err(Fault::unavailable("the upstream sleeps").retry_after(2_000)),
            _ => Ok(Verdict::NotMine),
        }
    }
}

impl Routes for Fixed {
    fn handle(request: Request) -> Result<Response, Fault> {
        let agent = request.header("user-agent").unwrap_or("somebody");
        Ok(Response::json(200, ["{\"hello\":\"", agent, "\"}"].concat()).header("cache-control", "max-age=60"))
    }
}

portcullis_plugin::manifest!(
    "name: fixed-strategy\nversion: 0.1.0\ndescription: Knows one token.\nlicense: Apache-2.0\nrequests: {}\n"
);
portcullis_plugin::export_authenticator!(Fixed with routes);
