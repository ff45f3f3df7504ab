//! Builder methods of [`Strategy`].

use std::fmt::Display;

use super::{Route, Strategy};

impl Strategy {
    /// A strategy that says nothing of itself: no authorization servers, no scopes, no routes, and it is asked about every credential.
    #[must_use]
    pub fn new() -> Self {
        Self { authorization_servers: Vec::new(), scopes: Vec::new(), metadata: None, shapes: Vec::new(), routes: Vec::new() }
    }

    /// An issuer whose access tokens it accepts, character for character; clients use the first.
    #[must_use]
    pub fn authorization_server(mut self, issuer: impl Into<String>) -> Self {
        self.authorization_servers.push(issuer.into());
        self
    }

    /// Scopes that a client should ask for. None at all means that they are not known: then the host advertises those that the operator
    /// curated. Who knows that the server has none of these says so with `offline_access`, which the host advertises for no resource.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Further members of the protected resource metadata: a JSON object, as text or as a `serde_json::Value`.
    #[must_use]
    pub fn metadata(mut self, object: impl Display) -> Self {
        self.metadata = Some(object.to_string());
        self
    }

    /// A shape of its credentials: "jwt", "opaque", or "prefix:" and a prefix.
    #[must_use]
    pub fn shape(mut self, shape: impl Into<String>) -> Self {
        self.shapes.push(shape.into());
        self
    }

    /// A path that it serves.
    #[must_use]
    pub fn route(self, method: &str, path: impl Into<String>) -> Self {
        self.serving(method, path.into(), "none")
    }

    /// A path that it serves to web pages of any origin, too, without cookies (CORS).
    #[must_use]
    pub fn open_route(self, method: &str, path: impl Into<String>) -> Self {
        self.serving(method, path.into(), "any")
    }

    fn serving(mut self, method: &str, path: String, cors: &str) -> Self {
        self.routes.push(Route { method: method.to_owned(), path, cors: cors.to_owned() });
        self
    }
}

impl Default for Strategy {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::Strategy;

    #[test]
    fn routes_are_closed_to_other_origins_unless_it_is_said() {
        let strategy = Strategy::new().route("POST", "/consent").open_route("GET", "/jwks");
        let cors: Vec<&str> = strategy.routes.iter().map(|route| route.cors.as_str()).collect();
        assert_eq!(cors, ["none", "any"]);
    }
}
