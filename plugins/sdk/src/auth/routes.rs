//! Optional export `routes`: what a strategy serves over HTTP on the listeners that it guards.

pub use crate::bindings::routes::exports::portcullis::auth::routes::{Request, Response};

use super::Fault;
use crate::bindings::routes::exports::portcullis::auth::routes::Guest;

/// A strategy with routes: `export_authenticator!(Mine with routes)`. [`super::Strategy::route`] names them.
pub trait Routes {
    /// One request to one of the routes that `describe` named, in a fresh instance.
    ///
    /// # Errors
    /// [`Fault`]: the client hears 503 ("unavailable") or 500, and no reason.
    fn handle(request: Request) -> Result<Response, Fault>;
}

impl<T: Routes> Guest for T {
    fn handle(request: Request) -> Result<Response, Fault> {
        <T as Routes>::handle(request)
    }
}

#[doc(hidden)]
pub const fn check<T: Routes>() {}

impl Request {
    /// The first header of this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All headers of this lower-case name.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Response {
    /// An answer without a body. The host adds `Cache-Control: no-store` and its other safe defaults.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// JSON text.
    #[must_use]
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::new(status) }.header("content-type", "application/json")
    }

    /// A page.
    #[must_use]
    pub fn html(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::new(status) }.header("content-type", "text/html; charset=utf-8")
    }

    /// 302 to a URL, which the strategy has validated.
    #[must_use]
    pub fn redirect(url: impl Into<String>) -> Self {
        Self::new(302).header("location", url)
    }

    /// Adds a header; names in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
