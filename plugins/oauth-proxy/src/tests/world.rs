//! One site, its settings, and steps of logins as clients and browsers make them.

use portcullis_plugin::auth::routes::{Request, Response};
use portcullis_plugin::auth::{Attempt, Site, Verdict};
use serde_json::{Value, json};

use super::fake::Fake;
use super::provider::{CLIENT, ISSUER};
use crate::parameters::{Parameters, encoded};
use crate::port::Call;
use crate::settings::Settings;
use crate::{judging, routes};

pub(crate) const ORIGIN: &str = "https://mcp.example.com";
pub(crate) const RESOURCE: &str = "https://mcp.example.com/mcp";
pub(crate) const REDIRECT: &str = "https://client.example.com/cb";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct World {
    pub(crate) host: Fake,
    pub(crate) site: Site,
    pub(crate) settings: Settings,
    pub(crate) address: String,
}

/// Cookies of one browser, as a browser keeps them.
#[derive(Default, Clone)]
pub(crate) struct Browser(pub(crate) Vec<(String, String)>);

impl World {
    pub(crate) fn new() -> Self {
        Self::with(json!({}))
    }

    pub(crate) fn with(members: Value) -> Self {
        let mut settings = json!({"upstream": {"issuer": ISSUER, "clientId": CLIENT}});
        for (name, value) in members.as_object().unwrap() {
            match (name.as_str(), value) {
                ("upstream", Value::Object(all)) => settings["upstream"].as_object_mut().unwrap().extend(all.clone()),
                _ => settings[name] = value.clone(),
            }
        }
        let site = Site { origin: ORIGIN.into(), resources: vec![RESOURCE.into()], scopes: vec!["read".into(), "write".into()] };
        let settings = Settings::parse(&settings.to_string()).unwrap();
        Self { host: Fake::default(), site, settings, address: "192.0.2.1".to_owned() }
    }

    pub(crate) fn call(&self) -> Call<'_> {
        Call { host: &self.host, site: &self.site, settings: &self.settings, client: &self.address }
    }

    pub(crate) fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let target = target.strip_prefix(ORIGIN).unwrap_or(target);
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.to_owned())));
        let request = Request {
            request_id: "r1".into(),
            site: self.site.clone(),
            method: method.into(),
            path: path.into(),
            query,
            headers: headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.as_bytes().to_vec(),
            client: self.address.clone(),
            deadline_ms: 10_000,
        };
        routes::handle(self.call(), &request).unwrap()
    }

    pub(crate) fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Response {
        self.send("POST", path, &[("content-type", "application/x-www-form-urlencoded")], &encoded(pairs.iter().copied()))
    }

    /// A page as a browser asks for it, which keeps the cookies.
    pub(crate) fn browse(&self, browser: &mut Browser, method: &str, url: &str, body: &str) -> Response {
        let cookies = browser.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let headers = [("accept", "text/html"), ("cookie", &cookies), ("content-type", "application/x-www-form-urlencoded")];
        let response = self.send(method, url, &headers, body);
        for (_, cookie) in response.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            browser.0.retain(|(known, _)| known != name);
            if !value.is_empty() {
                browser.0.push((name.to_owned(), value.to_owned()));
            }
        }
        response
    }

    pub(crate) fn register(&self, members: Value) -> Response {
        let mut body = json!({"client_name": "Client", "redirect_uris": [REDIRECT]});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.send("POST", "/register", &[("content-type", "application/json")], &body.to_string())
    }

    pub(crate) fn client(&self) -> String {
        body(&self.register(json!({})))["client_id"].as_str().unwrap().to_owned()
    }

    /// The parameters of a good authorization request, some of them replaced (or taken away by "").
    pub(crate) fn request(client: &str, over: &[(&str, &str)]) -> String {
        let base = [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", REDIRECT),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "s1"),
            ("scope", "read write"),
            ("resource", RESOURCE),
        ];
        let kept = base
            .iter()
            .filter(|(name, _)| !over.iter().any(|(other, _)| other == name))
            .chain(over.iter().filter(|(_, value)| !value.is_empty()));
        format!("/authorize?{}", encoded(kept.copied()))
    }

    /// As far as the consent page; its URL and its hidden fields.
    pub(crate) fn asked(&self, browser: &mut Browser, url: &str) -> (String, String, String) {
        let response = self.browse(browser, "GET", url, "");
        let consent = location(&response);
        assert!(consent.starts_with("https://mcp.example.com/consent?"), "{consent}");
        let page = self.browse(browser, "GET", &consent, "");
        assert_eq!(page.status, 200, "{}", text(&page));
        let field = |name: &str| {
            let text = text(&page);
            let rest = text.split_once(&format!("name=\"{name}\" value=\"")).unwrap().1;
            rest.split_once('"').unwrap().0.to_owned()
        };
        (consent, field("request"), field("csrf"))
    }

    /// Through consent; the URL at the provider.
    pub(crate) fn approved(&self, browser: &mut Browser, url: &str) -> String {
        let (_, request, csrf) = self.asked(browser, url);
        let form = encoded([("request", request.as_str()), ("csrf", &csrf), ("answer", "approve")]);
        location(&self.browse(browser, "POST", "/consent", &form))
    }

    /// The provider logs the user in; the URL with which the browser comes back.
    pub(crate) fn logged_in(&self, at_provider: &str) -> String {
        let sent = query(at_provider);
        let one = |name: &str| sent.need(name).unwrap().to_owned();
        let code = format!("upstream-code-{}", one("state"));
        self.host.provider.borrow_mut().codes.insert(code.clone(), (one("code_challenge"), one("nonce")));
        format!("/auth/callback?{}", encoded([("code", code.as_str()), ("state", &one("state")), ("iss", ISSUER)]))
    }

    /// A whole login as far as the code.
    pub(crate) fn code(&self, client: &str, over: &[(&str, &str)]) -> String {
        self.code_of(&Self::request(client, over))
    }

    /// The same for a request that is written out.
    pub(crate) fn code_of(&self, url: &str) -> String {
        let mut browser = Browser::default();
        let at_provider = self.approved(&mut browser, url);
        let back = location(&self.browse(&mut browser, "GET", &self.logged_in(&at_provider), ""));
        let answer = query(&back);
        assert_eq!(answer.one("error").unwrap(), None, "{back}");
        answer.need("code").unwrap().to_owned()
    }

    pub(crate) fn redeem(&self, client: &str, code: &str, over: &[(&str, &str)]) -> Response {
        let base = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        let kept = base
            .iter()
            .filter(|(name, _)| !over.iter().any(|(other, _)| other == name))
            .chain(over.iter().filter(|(_, value)| !value.is_empty()));
        self.form("/token", &kept.copied().collect::<Vec<_>>())
    }

    /// A whole login; client and the token answer.
    pub(crate) fn login(&self) -> (String, Value) {
        self.login_with("read write")
    }

    /// One that asks for these scopes.
    pub(crate) fn login_with(&self, scope: &str) -> (String, Value) {
        let client = self.client();
        let tokens = self.redeem(&client, &self.code(&client, &[("scope", scope)]), &[]);
        assert_eq!(tokens.status, 200, "{}", text(&tokens));
        (client, body(&tokens))
    }

    pub(crate) fn refresh(&self, client: &str, token: &str, more: &[(&str, &str)]) -> Response {
        let mut pairs = vec![("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
        pairs.extend(more);
        self.form("/token", &pairs)
    }

    pub(crate) fn judge(&self, credential: &str) -> Verdict {
        let attempt = Attempt {
            request_id: "r1".into(),
            resource: RESOURCE.into(),
            site: self.site.clone(),
            scheme: "bearer".into(),
            credential: credential.into(),
            deadline_ms: 5_000,
        };
        judging::judge(self.call(), &attempt).unwrap()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.host.clock.set(self.host.clock.get() + seconds);
    }
}

pub(crate) fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

pub(crate) fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("{} {}", response.status, text(response)))
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

pub(crate) fn location(response: &Response) -> String {
    header(response, "location").unwrap_or_else(|| panic!("{} {}", response.status, text(response))).to_owned()
}

pub(crate) fn query(url: &str) -> Parameters {
    Parameters::parse(url.split_once('?').unwrap().1).unwrap()
}

/// Status and error code of a refusal.
pub(crate) fn refused(response: &Response) -> (u16, String) {
    (response.status, body(response)["error"].as_str().unwrap_or("none").to_owned())
}

/// The error of a redirect to the client, which has `state` and `iss`.
pub(crate) fn redirected(response: &Response) -> String {
    let url = location(response);
    assert!(url.starts_with(REDIRECT), "{url}");
    let answer = query(&url);
    assert_eq!((answer.one("state").unwrap(), answer.one("iss").unwrap()), (Some("s1"), Some(ORIGIN)), "{url}");
    answer.one("error").unwrap().unwrap_or("none").to_owned()
}

/// The claims of a token, unverified.
pub(crate) fn claims(token: &str) -> Value {
    serde_json::from_slice(&crate::secret::decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

pub(crate) fn str_of(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{value} has no {name}")).to_owned()
}
