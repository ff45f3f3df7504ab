//! `portcullis login URL`: gets an access token as an MCP client does (RFC 9728, RFC 8414, RFC 7591, OAuth 2.1 with PKCE), keeps it for this
//! person, and prints it for other clients.
//!
//! Exit codes: 0 a token; 1 an error; 4 the person or the authorization server said no, or there is nothing (any more) to refresh; 5 nobody logged
//! in within five minutes.

mod answer;
mod ask;
mod challenge;
mod client;
mod discover;
mod exchange;
mod fault;
mod flow;
mod form;
mod kept;
mod listen;
mod person;
mod place;
mod print;
#[cfg(test)]
mod tests;
mod web;

use std::process::ExitCode;

use portcullis_trust::{Trust, TrustOptions};

use super::Outcome;
use crate::env;
use crate::output::Format;
use fault::{Fault, quoted};
use kept::Login;
use person::Person;
use place::Place;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The MCP endpoint, e.g. https://host/mcp.
    url: String,
    #[command(flatten)]
    wishes: Wishes,
    /// Print the URL to open, and open no browser.
    #[arg(long)]
    no_browser: bool,
    /// What is printed: the token (table), a document with it, or the endpoint's URL (name).
    #[arg(long, short, value_enum, default_value = "table")]
    output: Format,
    /// Print how another client is told of the endpoint and the token.
    #[arg(long, value_enum, value_name = "CLIENT", conflicts_with = "output")]
    print_config: Option<print::Config>,
}

/// What to ask for, and how.
#[derive(Debug, Default, clap::Args)]
struct Wishes {
    /// A public client that the authorization server knows. Default: one is registered.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Scopes to ask for, with blanks or commas between. Default: those that the endpoint names.
    #[arg(long)]
    scope: Option<String>,
    /// The port of the redirect URI http://127.0.0.1:PORT/callback. Default: any.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Refresh the token that is kept, even if it is still good; ask nobody.
    #[arg(long, conflicts_with = "force")]
    refresh: bool,
    /// Log in anew, whatever is kept.
    #[arg(long)]
    force: bool,
    /// Follow an endpoint of the internet to servers whose addresses are not.
    #[arg(long)]
    private: bool,
}

impl Wishes {
    /// Whether a login that is kept is what is asked for.
    fn fit(&self, login: &Login) -> bool {
        let held: Vec<&str> = login.scope.split_ascii_whitespace().collect();
        let mut asked = self.scope.iter().flat_map(|text| text.split([' ', ','])).filter(|scope| !scope.is_empty());
        self.client_id.as_ref().is_none_or(|id| *id == login.client.id) && asked.all(|scope| held.contains(&scope))
    }
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    match super::runtime()?.block_on(login(arguments))? {
        Ok((url, login)) => {
            tell(&login);
            print::print(arguments.output, arguments.print_config, &url, &login)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => {
            eprintln!("error: {fault}");
            Ok(fault.exit_code())
        }
    }
}

async fn login(arguments: &Arguments) -> anyhow::Result<fault::Result<(String, Login)>> {
    let place = Place::parse(&arguments.url).map_err(|reason| Fault::Url { text: quoted(&arguments.url), reason });
    let (place, folder) = match (place, env::own_state_directory().ok_or(Fault::NoPlace)) {
        (Ok(place), Ok(folder)) => (place, folder),
        (Err(fault), _) | (_, Err(fault)) => return Ok(Err(fault)),
    };
    let trust = Trust::new(TrustOptions::default())?;
    let person = Person::here(!arguments.no_browser && !env::is_remote());
    let login = flow::login(&arguments.wishes, &place, &folder, trust, person).await;
    Ok(login.map(|login| (place.to_string(), login)))
}

/// What the token is, without the token.
fn tell(login: &Login) {
    let until = login.expires_at.map_or_else(|| "until its server ends it".to_owned(), |end| format!("until {end:.0}"));
    let scope = if login.scope.is_empty() { String::new() } else { format!(", with the scopes {}", quoted(&login.scope)) };
    eprintln!("The token for {} is good {until}{scope}.", login.resource);
}
