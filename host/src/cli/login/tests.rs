//! Whole logins against a small authorization server on this machine, by the real HTTP client.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod fake;

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::egress::{EgressReply, EgressRequest};
use portcullis_core::ports::Egress;
use portcullis_trust::{Trust, TrustOptions};
use serde_json::json;
use tokio::sync::mpsc;

use super::fault::{Fault, Result};
use super::kept::{Kept, Login};
use super::person::Person;
use super::place::Place;
use super::{Wishes, flow};
use fake::{Fake, Wrong};

fn trust() -> Arc<Trust> {
    Trust::new(TrustOptions::default()).unwrap()
}

async fn get(egress: &dyn Egress, url: &str) -> EgressReply {
    let request = EgressRequest {
        method: "GET".into(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        authorization: None,
        private: true,
        within: Duration::from_secs(10),
        max_reply: 1 << 20,
    };
    egress.send(request).await.unwrap()
}

/// Where a browser would go from the authorization server's page.
async fn landing(egress: &dyn Egress, url: &str) -> String {
    let headers = get(egress, url).await.headers;
    headers.into_iter().find(|(name, _)| name == "location").unwrap().1
}

/// Somebody whose browser is here and who says yes to everything.
fn browser() -> Person {
    let show = |url: &str| {
        let url = url.to_owned();
        tokio::spawn(async move { get(trust().as_ref(), &landing(trust().as_ref(), &url).await).await });
        // Its sender is gone: nothing will be pasted.
        mpsc::channel(1).1
    };
    Person { show: Box::new(show), patience: Duration::from_secs(20) }
}

/// Whoever is asked to log in although nobody should be.
fn nobody() -> Person {
    Person { show: Box::new(|url| panic!("asked to open {url}")), patience: Duration::from_secs(1) }
}

struct World {
    fake: Fake,
    folder: tempfile::TempDir,
}

impl World {
    async fn new(wrong: Wrong) -> Self {
        Self { fake: Fake::start(wrong).await, folder: tempfile::tempdir().unwrap() }
    }

    async fn login(&self, wishes: &Wishes, person: Person) -> Result<Login> {
        let place = Place::parse(&self.fake.url()).unwrap();
        flow::login(wishes, &place, self.folder.path(), trust(), person).await
    }

    fn kept(&self) -> Option<Login> {
        Kept::open(self.folder.path()).unwrap().find(&self.fake.url()).cloned()
    }

    /// From now on what is kept has ended.
    fn expire(&self) {
        let mut kept = Kept::open(self.folder.path()).unwrap();
        let mut login = kept.find(&self.fake.url()).cloned().unwrap();
        login.expires_at = Some(login.obtained_at);
        kept.put(&self.fake.url(), Some(login)).unwrap();
    }
}

async fn failed(wrong: Wrong) -> (World, Fault) {
    let world = World::new(wrong).await;
    let fault = world.login(&Wishes::default(), browser()).await.unwrap_err();
    assert!(world.kept().is_none(), "{wrong:?} leaves something behind");
    (world, fault)
}

#[tokio::test]
async fn a_login_registers_asks_the_person_and_keeps_the_token() {
    let world = World::new(Wrong::Nothing).await;
    let login = world.login(&Wishes::default(), browser()).await.unwrap();
    assert_eq!((login.access_token.reveal(), login.scope.as_str()), ("access-1", "one two offline_access"));
    assert_eq!(world.kept().unwrap().access_token.reveal(), "access-1");
    let (fake, redirect) = (&world.fake, world.fake.asked("redirect_uri"));
    assert_eq!(
        (fake.asked("resource"), fake.asked("prompt"), fake.asked("client_id")),
        (fake.url(), "consent".into(), "c1".into())
    );
    let registered = fake.registered();
    assert_eq!((&registered["application_type"], &registered["redirect_uris"]), (&json!("native"), &json!([redirect])));
    assert_eq!(registered["token_endpoint_auth_method"], "none");
}

#[tokio::test]
async fn without_a_hint_in_the_challenge_the_well_known_places_do() {
    let world = World::new(Wrong::BareChallenge).await;
    world.login(&Wishes::default(), browser()).await.unwrap();
    assert_eq!(world.fake.asked("scope"), "baseline offline_access");
}

#[tokio::test]
async fn a_client_that_exists_its_port_and_scopes_are_used_as_told() {
    let world = World::new(Wrong::NoRegistration).await;
    let wishes = Wishes { client_id: Some("mine".into()), scope: Some("three".into()), ..Wishes::default() };
    world.login(&wishes, browser()).await.unwrap();
    assert_eq!((world.fake.asked("client_id").as_str(), world.fake.asked("scope").as_str()), ("mine", "three offline_access"));
    assert_eq!(world.fake.hits("POST /register"), 0);
}

#[tokio::test]
async fn a_person_elsewhere_pastes_what_their_browser_shows() {
    let world = World::new(Wrong::Nothing).await;
    let show = |url: &str| {
        let (url, (paste, lines)) = (url.to_owned(), mpsc::channel(1));
        tokio::spawn(async move { paste.send(landing(trust().as_ref(), &url).await).await });
        lines
    };
    let person = Person { show: Box::new(show), patience: Duration::from_secs(20) };
    assert_eq!(world.login(&Wishes::default(), person).await.unwrap().access_token.reveal(), "access-1");
}

#[tokio::test]
async fn a_good_token_is_used_again_unless_something_else_is_wanted() {
    let world = World::new(Wrong::Nothing).await;
    world.login(&Wishes::default(), browser()).await.unwrap();
    let token = |login: Result<Login>| login.unwrap().access_token.reveal().to_owned();
    assert_eq!(token(world.login(&Wishes::default(), nobody()).await), "access-1");
    let scopes = |scope: &str| Wishes { scope: Some(scope.into()), ..Wishes::default() };
    assert_eq!(token(world.login(&scopes("two"), nobody()).await), "access-1");
    assert_eq!(token(world.login(&Wishes { force: true, ..Wishes::default() }, browser()).await), "access-2");
    assert_eq!(token(world.login(&scopes("more"), browser()).await), "access-3");
    let other = Wishes { client_id: Some("mine".into()), ..Wishes::default() };
    assert_eq!(token(world.login(&other, browser()).await), "access-4");
}

#[tokio::test]
async fn a_token_that_has_ended_is_refreshed_and_so_is_a_good_one_on_request() {
    let world = World::new(Wrong::Nothing).await;
    world.login(&Wishes::default(), browser()).await.unwrap();
    world.expire();
    assert_eq!(world.login(&Wishes::default(), nobody()).await.unwrap().access_token.reveal(), "access-2");
    let refresh = Wishes { refresh: true, ..Wishes::default() };
    assert_eq!(world.login(&refresh, nobody()).await.unwrap().access_token.reveal(), "access-3");
    // The server rotates: what is kept now must be the newest.
    assert_eq!(world.kept().unwrap().refresh_token.unwrap().reveal(), "refresh-3");
}

#[tokio::test]
async fn two_commands_at_once_present_a_refresh_token_once() {
    let world = Arc::new(World::new(Wrong::Nothing).await);
    world.login(&Wishes::default(), browser()).await.unwrap();
    world.expire();
    let refreshed: Vec<_> = (0..2)
        .map(|_| {
            let world = Arc::clone(&world);
            // Each waits for the file's lock in a thread of its own, as commands do.
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(world.login(&Wishes::default(), nobody())).unwrap().access_token.reveal().to_owned()
            })
        })
        .collect();
    let tokens = tokio::task::spawn_blocking(|| refreshed.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>());
    assert_eq!(tokens.await.unwrap(), ["access-2", "access-2"]);
    assert_eq!(world.fake.hits("POST /token"), 2);
}

#[tokio::test]
async fn a_login_that_the_server_has_ended_is_forgotten_and_made_anew() {
    let world = World::new(Wrong::Forgets).await;
    let refresh = Wishes { refresh: true, ..Wishes::default() };
    assert_eq!(world.login(&refresh, nobody()).await.unwrap_err(), Fault::NothingKept(world.fake.url()));
    world.login(&Wishes::default(), browser()).await.unwrap();
    assert_eq!(world.login(&refresh, nobody()).await.unwrap_err(), Fault::Ended(world.fake.url()));
    assert!(world.kept().is_none());
    world.login(&Wishes::default(), browser()).await.unwrap();
    world.expire();
    assert_eq!(world.login(&Wishes::default(), browser()).await.unwrap().access_token.reveal(), "access-3");
}

#[tokio::test]
async fn a_server_that_speaks_for_another_is_refused_before_anybody_logs_in() {
    let (world, fault) = failed(Wrong::Resource).await;
    assert!(matches!(fault, Fault::OtherResource { resource, .. } if resource == "https://evil.example/mcp"));
    assert_eq!(world.fake.hits("POST /register"), 0);
    let (world, fault) = failed(Wrong::Issuer).await;
    assert!(matches!(fault, Fault::OtherIssuer { found, .. } if found == format!("{}/", world.fake.origin)));
    let (world, fault) = failed(Wrong::Plain).await;
    assert_eq!(fault, Fault::NoPkce(world.fake.origin.clone()));
    assert_eq!((world.fake.hits("POST /register"), world.fake.hits("GET /authorize")), (0, 0));
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let (world, fault) = failed(Wrong::Redirect).await;
    assert_eq!(fault, Fault::Moved { url: world.fake.url(), to: "/mcp/".into() });
}

#[tokio::test]
async fn a_server_that_registers_nobody_is_told_with_the_way_around() {
    let (_world, fault) = failed(Wrong::NoRegistration).await;
    assert!(fault.to_string().contains("--client-id ID --port "), "{fault}");
    let (_world, fault) = failed(Wrong::Registration).await;
    assert!(matches!(&fault, Fault::Registration { reason, .. } if reason == "invalid_redirect_uri"), "{fault}");
}

#[tokio::test]
async fn an_answer_of_another_server_or_of_none_never_becomes_a_token() {
    for wrong in [Wrong::Iss, Wrong::NoIss] {
        let (world, fault) = failed(wrong).await;
        assert!(matches!(fault, Fault::MixUp { .. }), "{wrong:?}: {fault}");
        assert_eq!(world.fake.hits("POST /token"), 0);
    }
}

#[tokio::test]
async fn an_answer_with_another_state_never_becomes_a_token() {
    let world = World::new(Wrong::State).await;
    // The browser brings the wrong answer; then the person pastes one that ends the login, so that nobody waits for long.
    let end = format!("state=STATE&error=enough&iss={}", world.fake.origin);
    let show = move |url: &str| {
        let (url, end, (paste, lines)) = (url.to_owned(), end.clone(), mpsc::channel(1));
        tokio::spawn(async move {
            let answer = get(trust().as_ref(), &landing(trust().as_ref(), &url).await).await;
            assert_eq!(answer.status, 400);
            let state = super::form::decode(&url).unwrap().into_iter().find(|(name, _)| name == "state").unwrap().1;
            paste.send(end.replace("STATE", &state)).await.unwrap();
        });
        lines
    };
    let person = Person { show: Box::new(show), patience: Duration::from_secs(20) };
    assert_eq!(world.login(&Wishes::default(), person).await.unwrap_err(), Fault::Denied("enough".into()));
    assert_eq!((world.fake.hits("GET /authorize"), world.fake.hits("POST /token")), (1, 0));
}

#[tokio::test]
async fn a_denial_is_told() {
    let (world, fault) = failed(Wrong::Denied).await;
    assert_eq!(fault, Fault::Denied("access_denied (not today)".into()));
    assert_eq!(world.fake.hits("POST /token"), 0);
}

#[tokio::test]
async fn a_code_that_the_server_does_not_take_is_no_login() {
    let (_world, fault) = failed(Wrong::Challenge).await;
    assert!(matches!(&fault, Fault::NoToken { reason, .. } if reason == "invalid_grant (no such code)"), "{fault}");
}

#[tokio::test]
async fn a_server_of_the_internet_cannot_lead_to_this_machine() {
    let fake = Fake::start(Wrong::Nothing).await;
    let place = Place::parse(&fake.url()).unwrap();
    let web = |private| super::web::Web::new(trust(), private);
    assert!(matches!(web(false).get(&place).await, Err(Fault::Private(host)) if host == "127.0.0.1"));
    let mut named = web(false);
    named.knock(&place).await.unwrap();
    assert!(named.private, "the person named this machine");
    assert!(web(true).get(&place).await.is_ok());
}

#[tokio::test]
async fn an_endpoint_that_asks_for_no_login_is_told() {
    let world = World::new(Wrong::Nothing).await;
    let place = Place::parse(&format!("{}/other", world.fake.origin)).unwrap();
    let fault = flow::login(&Wishes::default(), &place, world.folder.path(), trust(), nobody()).await.unwrap_err();
    assert_eq!(fault, Fault::NoChallenge { url: place.to_string(), status: 404 });
}
