//! The strategy as the host sees it. No logic.

use portcullis_plugin::auth::{Attempt, Authenticator, Fault, Host, Site, Strategy, Verdict};
use portcullis_plugin::{config, log};

use crate::settings::Settings;
use crate::{describing, judging};

/// Access tokens of OpenID Connect issuers.
#[derive(Debug)]
pub struct Oidc;

portcullis_plugin::manifest!(include_str!("../plugin.yaml"));
portcullis_plugin::export_authenticator!(Oidc);

impl Authenticator for Oidc {
    fn describe(site: Site) -> Strategy {
        match Settings::parse(&config::json()) {
            Ok(settings) => describing::describe(&Host, &settings, &site.scopes),
            Err(problem) => {
                log::error(&problem);
                Strategy::new()
            }
        }
    }

    fn authenticate(attempt: Attempt) -> Result<Verdict, Fault> {
        let settings = Settings::parse(&config::json()).map_err(Fault::internal)?;
        judging::judge(&Host, &settings, &attempt.credential)
    }
}
