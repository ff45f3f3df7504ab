//! Requests to the endpoint and to what it leads to. The person named the endpoint, so it may be on a private network; a server of the internet
//! may not lead there (its metadata could name the router's or the cloud's own pages).

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::egress::{EgressError, EgressReply, EgressRequest};
use portcullis_core::ports::Egress;
use portcullis_core::secret::Secret;
use serde_json::{Map, Value};

use super::fault::{Fault, Result, quoted};
use super::place::Place;

/// Longest time for one answer: twice what a token endpoint may take for MCP clients (contract, client checklist 7).
const WITHIN: Duration = Duration::from_secs(20);

/// Most bytes of an answer (256 KiB): metadata and tokens have a few KiB.
const REPLY_MAX: usize = 256 << 10;

/// What no server minds that wants a token first: how a client of any revision begins.
const KNOCK: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"portcullis login","version":"0"}}}"#;

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// See the module.
pub(super) struct Web {
    egress: Arc<dyn Egress>,
    /// Whether addresses that are not the internet's may be reached.
    pub(super) private: bool,
}

/// A request's body and its `Content-Type`.
pub(super) enum Body {
    Json(String),
    Form(String),
}

impl Web {
    pub(super) fn new(egress: Arc<dyn Egress>, private: bool) -> Self {
        Self { egress, private }
    }

    /// Asks the endpoint without a token. If it is on a private network, what it leads to may be so too.
    pub(super) async fn knock(&mut self, place: &Place) -> Result<EgressReply> {
        let headers = [("accept", "application/json, text/event-stream"), ("mcp-protocol-version", "2025-11-25")];
        let send = |private| self.request(place, "POST", &headers, Some(Body::Json(KNOCK.to_owned())), private);
        match self.egress.send(send(self.private)).await {
            Err(EgressError::Address(_)) => {
                let request = send(true);
                self.private = true;
                self.egress.send(request).await
            }
            other => other,
        }
        .map_err(Fault::Http)
    }

    /// Fetches.
    pub(super) async fn get(&self, place: &Place) -> Result<EgressReply> {
        self.send(self.request(place, "GET", &[("accept", "application/json")], None, self.private)).await
    }

    /// Posts; `authorization` is the whole header.
    pub(super) async fn post(&self, place: &Place, body: Body, authorization: Option<Secret>) -> Result<EgressReply> {
        let request = self.request(place, "POST", &[("accept", "application/json")], Some(body), self.private);
        self.send(EgressRequest { authorization, ..request }).await
    }

    fn request(&self, place: &Place, method: &str, headers: &[(&str, &str)], body: Option<Body>, private: bool) -> EgressRequest {
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (kind, body) = match body {
            Some(Body::Json(text)) => (Some("application/json"), text),
            Some(Body::Form(text)) => (Some("application/x-www-form-urlencoded"), text),
            None => (None, String::new()),
        };
        headers.extend(kind.map(|kind| ("content-type".to_owned(), kind.to_owned())));
        EgressRequest {
            method: method.to_owned(),
            url: place.to_string(),
            headers,
            body: body.into_bytes(),
            authorization: None,
            private,
            within: WITHIN,
            max_reply: REPLY_MAX,
        }
    }

    async fn send(&self, request: EgressRequest) -> Result<EgressReply> {
        self.egress.send(request).await.map_err(|error| match error {
            EgressError::Address(host) => Fault::Private(quoted(&host)),
            other => Fault::Http(other),
        })
    }
}

/// A place that a document names under `member`.
pub(super) fn place(document: &Object, member: &str) -> std::result::Result<Option<Place>, String> {
    match document.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(url)) => {
            Place::parse(url).map(Some).map_err(|reason| format!("names as `{member}` a URL that must not be used: {reason}"))
        }
        Some(_) => Err(format!("has a `{member}` that is no text")),
    }
}

/// A list of texts that a document has under `member`; `None`: it has none.
pub(super) fn texts(document: &Object, member: &str) -> Option<Vec<String>> {
    let list = document.get(member)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// An answer as an object.
pub(super) fn object(reply: &EgressReply) -> Option<Object> {
    serde_json::from_slice(&reply.body).ok()
}

/// What an OAuth error answer says (RFC 6749 §5.2): its code, and words to show. Never the body itself, which may hold anything.
pub(super) fn complaint(reply: &EgressReply) -> (Option<String>, String) {
    let document = object(reply).unwrap_or_default();
    let text = |member: &str| document.get(member).and_then(Value::as_str);
    let code = text("error").map(str::to_owned);
    let words = match (&code, text("error_description")) {
        (Some(code), Some(description)) => format!("{} ({})", quoted(code), quoted(description)),
        (Some(code), None) => quoted(code),
        (None, _) => format!("it answers {}", reply.status),
    };
    (code, words)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use portcullis_core::egress::{EgressError, EgressReply, EgressRequest};
    use portcullis_core::ports::{BoxFuture, Egress};
    use portcullis_core::secret::Secret;
    use serde_json::json;

    use super::super::place::Place;
    use super::{Body, REPLY_MAX, WITHIN, Web, complaint};

    /// Notes what is sent; nobody answers.
    #[derive(Default)]
    struct Nobody(Mutex<Vec<EgressRequest>>);

    impl Egress for Nobody {
        fn send(&self, request: EgressRequest) -> BoxFuture<'_, Result<EgressReply, EgressError>> {
            self.0.lock().unwrap().push(request);
            Box::pin(async { Err(EgressError::Timeout("h".into())) })
        }
    }

    #[tokio::test]
    async fn every_request_has_an_end_in_time_and_size_and_stays_on_the_internet() {
        let (nobody, place) = (Arc::new(Nobody::default()), Place::parse("https://h/t").unwrap());
        let mut web = Web::new(Arc::clone(&nobody) as Arc<dyn Egress>, false);
        assert!(web.knock(&place).await.is_err() && web.get(&place).await.is_err());
        assert!(web.post(&place, Body::Form("a=b".into()), Some(Secret::new("Basic x".into()))).await.is_err());
        let sent = nobody.0.lock().unwrap();
        assert!(sent.iter().all(|one| one.within == WITHIN && one.max_reply == REPLY_MAX && !one.private), "{sent:?}");
        let kinds: Vec<_> =
            sent.iter().map(|one| (one.method.as_str(), one.authorization.is_some(), one.body.is_empty())).collect();
        assert_eq!(kinds, [("POST", false, false), ("GET", false, true), ("POST", true, false)]);
        assert!(sent[2].headers.contains(&("content-type".into(), "application/x-www-form-urlencoded".into())));
    }

    #[test]
    fn a_complaint_is_the_servers_words_or_its_status_and_never_its_page() {
        let of = |body: &str| complaint(&EgressReply { status: 400, headers: Vec::new(), body: body.into() }).1;
        assert_eq!(of(&json!({"error": "a\u{7}", "error_description": "b"}).to_string()), "a  (b)");
        assert_eq!(of("<h1>secret</h1>"), "it answers 400");
    }
}
