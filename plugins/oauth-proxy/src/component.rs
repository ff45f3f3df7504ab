//! The strategy as the host sees it. No logic.

use portcullis_plugin::auth::routes::{Request, Response};
use portcullis_plugin::auth::{Attempt, Authenticator, Fault, Host, Routes, Site, Strategy, Verdict};
use portcullis_plugin::{config, log};

use crate::port::Call;
use crate::settings::Settings;
use crate::{judging, routes};

/// An authorization server in front of an OpenID Connect provider.
#[derive(Debug)]
pub struct OAuthProxy;

portcullis_plugin::manifest!(include_str!("../plugin.yaml"));
portcullis_plugin::export_authenticator!(OAuthProxy with routes);

impl Authenticator for OAuthProxy {
    fn describe(site: Site) -> Strategy {
        match Settings::parse(&config::json()) {
            Ok(settings) => routes::describe(call(&site, &settings, "")),
            Err(problem) => {
                log::error(&problem);
                Strategy::new()
            }
        }
    }

    fn authenticate(attempt: Attempt) -> Result<Verdict, Fault> {
        let settings = Settings::parse(&config::json()).map_err(Fault::internal)?;
        judging::judge(call(&attempt.site, &settings, ""), &attempt)
    }
}

impl Routes for OAuthProxy {
    fn handle(request: Request) -> Result<Response, Fault> {
        let settings = Settings::parse(&config::json()).map_err(Fault::internal)?;
        routes::handle(call(&request.site, &settings, &request.client), &request)
    }
}

fn call<'a>(site: &'a Site, settings: &'a Settings, client: &'a str) -> Call<'a> {
    Call { host: &Host, site, settings, client }
}
