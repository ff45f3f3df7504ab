//! A login from beginning to end: what is kept and good, what can be refreshed, or the person.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use portcullis_core::ports::Egress;
use portcullis_core::secret::Secret;

use super::Wishes;
use super::answer::Expected;
use super::ask::{self, Ours};
use super::client::{self, Client};
use super::discover::{self, Resource, Server};
use super::exchange::exchange;
use super::fault::{Fault, Result, quoted};
use super::kept::{Kept, Login};
use super::listen::Listener;
use super::person::Person;
use super::place::Place;
use super::web::Web;

/// A login to `url`; its tokens are kept in `folder`. Dropped before it returns, it keeps nothing new.
pub(super) async fn login(wishes: &Wishes, url: &Place, folder: &Path, egress: Arc<dyn Egress>, person: Person) -> Result<Login> {
    if !wishes.force
        && let Some(login) = kept(wishes, url, folder, &egress).await?
    {
        return Ok(login);
    }
    let login = anew(wishes, url, Web::new(egress, wishes.private), person).await?;
    Kept::open(folder)?.put(&url.to_string(), Some(login.clone()))?;
    Ok(login)
}

/// A login that is kept, refreshed if it must be; `None`: the person has to log in. The file stays locked meanwhile, so that two commands do not
/// present one refresh token.
async fn kept(wishes: &Wishes, url: &Place, folder: &Path, egress: &Arc<dyn Egress>) -> Result<Option<Login>> {
    let (mut kept, key) = (Kept::open(folder)?, url.to_string());
    let Some(login) = kept.find(&key).filter(|login| wishes.fit(login)).cloned() else {
        return if wishes.refresh { Err(Fault::NothingKept(key)) } else { Ok(None) };
    };
    if !wishes.refresh && login.is_good(Timestamp::now()) {
        eprintln!("The login to {key} that is kept is still good.");
        return Ok(Some(login));
    }
    let Some(token) = login.refresh_token.clone() else {
        return if wishes.refresh { Err(Fault::NothingKept(key)) } else { Ok(None) };
    };
    match refresh(login, &token, Arc::clone(egress)).await {
        Ok(login) => {
            kept.put(&key, Some(login.clone()))?;
            Ok(Some(login))
        }
        Err(Fault::NoToken { over: true, .. }) => {
            kept.put(&key, None)?;
            if wishes.refresh { Err(Fault::Ended(key)) } else { Ok(None) }
        }
        Err(other) => Err(other),
    }
}

async fn refresh(mut login: Login, token: &Secret, egress: Arc<dyn Egress>) -> Result<Login> {
    let endpoint =
        Place::parse(&login.token_endpoint).map_err(|reason| Fault::Url { text: quoted(&login.token_endpoint), reason })?;
    let grant = [("grant_type", "refresh_token"), ("refresh_token", token.reveal())];
    let tokens = exchange(&Web::new(egress, login.private), &endpoint, &login.client, &login.resource, &grant).await?;
    login.take(tokens);
    Ok(login)
}

async fn anew(wishes: &Wishes, url: &Place, mut web: Web, person: Person) -> Result<Login> {
    let resource = discover::resource(&mut web, url).await?;
    let server = discover::server(&web, &resource.issuer).await?;
    let listener = Listener::open(wishes.port).await?;
    let redirect = listener.redirect();
    let scope = ask::scope(wishes.scope.as_deref(), &resource, &server);
    let client = match &wishes.client_id {
        Some(id) => Client::public(id),
        None => client::register(&web, &server, &redirect, listener.port, &scope).await?,
    };
    let ours = Ours::draw();
    let mut lines = (person.show)(&ask::url(&server, &resource.id, &client.id, &redirect, &scope, &ours));
    let expected = Expected { state: ours.state, issuer: server.issuer.clone(), sends_iss: server.sends_iss };
    let code = listener.code(expected, &mut lines, person.patience).await?;
    let mut login = blank(&server, &resource, client, scope, web.private);
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.reveal()),
        ("redirect_uri", redirect.as_str()),
        ("code_verifier", ours.verifier.reveal()),
    ];
    login.take(exchange(&web, &server.token, &login.client, &login.resource, &grant).await?);
    Ok(login)
}

fn blank(server: &Server, resource: &Resource, client: Client, scope: String, private: bool) -> Login {
    Login {
        resource: resource.id.clone(),
        issuer: server.issuer.clone(),
        token_endpoint: server.token.to_string(),
        client,
        access_token: Secret::new(String::new()),
        refresh_token: None,
        scope,
        obtained_at: Timestamp::now(),
        expires_at: None,
        private,
    }
}
