//! Reading a [`Reply`] and a [`Status`].

use serde::de::DeserializeOwned;

use super::{Event, Reply, Status};

impl Reply {
    /// A reply without warnings, for tests.
    pub fn new(body: impl Into<String>) -> Self {
        Self { body: body.into(), warnings: Vec::new() }
    }

    /// The body as a JSON value.
    ///
    /// # Errors
    /// [`Status`] "BadReply" if the body is not JSON.
    pub fn value(&self) -> Result<serde_json::Value, Status> {
        self.read()
    }

    /// The body, read.
    ///
    /// # Errors
    /// [`Status`] "BadReply" if the body does not fit `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Status> {
        parse(&self.body)
    }
}

impl Event {
    /// The object, read.
    ///
    /// # Errors
    /// [`Status`] "BadReply" if it does not fit `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Status> {
        parse(&self.object)
    }
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Status> {
    serde_json::from_str(json).map_err(|error| Status::plugin("BadReply", ["unexpected reply: ", &error.to_string()].concat()))
}

impl Status {
    /// A status as the API server would send it, for tests.
    pub fn new(code: u16, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            message: message.into(),
            causes: Vec::new(),
            retry_after_ms: None,
            origin: "api-server".to_owned(),
        }
    }

    /// Something that the plugin itself found wrong with an answer: code 0, origin "plugin".
    pub fn plugin(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { origin: "plugin".to_owned(), ..Self::new(0, reason, message) }
    }

    /// 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.code == 404
    }

    /// 403, by the API server or by the grant.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.code == 403
    }

    /// 409: somebody else was faster, or it exists already (reason "AlreadyExists").
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.code == 409
    }

    /// 410: the page or the watch is too old; begin again.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.code == 410
    }

    /// The operator's grant does not cover it; `message` holds the YAML to add.
    #[must_use]
    pub fn is_from_grant(&self) -> bool {
        self.origin == "grant"
    }
}

#[cfg(test)]
mod tests {
    use super::{Reply, Status};

    #[test]
    fn a_reply_that_is_not_json_is_a_status_rather_than_a_panic() {
        let status = Reply::new("<html>").value();
        assert!(status.is_err_and(|status| status.reason == "BadReply" && status.origin == "plugin"));
    }

    #[test]
    fn a_status_knows_who_spoke() {
        let status = Status::new(403, "Forbidden", "no");
        assert!(status.is_forbidden() && !status.is_from_grant());
    }
}
