//! The request log that tests assert on.
//! Must not keep credentials: the Authorization header is dropped.

use http::HeaderMap;
use parking_lot::Mutex;

use crate::call::Call;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// HTTP method.
    pub method: String,
    /// Path, without the query.
    pub path: String,
    /// Query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers, without Authorization.
    pub headers: HeaderMap,
    /// Body as text.
    pub body: String,
}

impl Recorded {
    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Requests kept (count, default 10 000): more than any test sends; the oldest are forgotten.
const KEPT: usize = 10_000;

/// Every request so far, in the order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Vec<Recorded>>);

impl Journal {
    /// Records a request.
    pub(crate) fn record(&self, call: &Call) {
        let mut headers = call.headers.clone();
        headers.remove("authorization");
        let mut all = self.0.lock();
        if all.len() >= KEPT {
            all.remove(0);
        }
        all.push(Recorded {
            method: call.method.to_string(),
            path: call.path.clone(),
            query: call.query.clone(),
            headers,
            body: String::from_utf8_lossy(&call.body).into_owned(),
        });
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.0.lock().clone()
    }

    /// All of them, forgotten here.
    pub(crate) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.0.lock())
    }
}
