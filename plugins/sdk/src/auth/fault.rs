//! Constructors of [`Fault`], and what the capabilities' problems become when a strategy can do nothing about them.

use super::http::HttpError;
use super::{Fault, discovery, jwt, keyvalue};

impl Fault {
    /// Something that the strategy needs does not answer now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::coded("unavailable", message.into(), None)
    }

    /// A defect of the strategy, or of its configuration.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::coded("internal", message.into(), None)
    }

    /// The same may succeed after so many milliseconds.
    #[must_use]
    pub fn retry_after(mut self, milliseconds: u32) -> Self {
        self.retry_after_ms = Some(milliseconds);
        self
    }

    fn coded(code: &str, message: String, retry_after_ms: Option<u32>) -> Self {
        let code = if code == "unavailable" { "unavailable" } else { "internal" };
        Self { code: code.to_owned(), message, retry_after_ms }
    }
}

impl From<jwt::Problem> for Fault {
    fn from(problem: jwt::Problem) -> Self {
        Self::coded(&problem.code, problem.message, problem.retry_after_ms)
    }
}

impl From<discovery::Problem> for Fault {
    fn from(problem: discovery::Problem) -> Self {
        Self::coded(&problem.code, problem.message, problem.retry_after_ms)
    }
}

impl From<keyvalue::Problem> for Fault {
    fn from(problem: keyvalue::Problem) -> Self {
        Self::coded(&problem.code, problem.message, None)
    }
}

impl From<HttpError> for Fault {
    fn from(error: HttpError) -> Self {
        let code = if error.is_transient() { "unavailable" } else { "internal" };
        Self::coded(code, error.to_string(), None)
    }
}

/// What [`crate::config::read`] says when the settings do not fit.
impl From<crate::Failure> for Fault {
    fn from(failure: crate::Failure) -> Self {
        Self::coded(&failure.code, failure.message, failure.retry_after_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, keyvalue};

    #[test]
    fn only_what_does_not_answer_is_unavailable() {
        let of = |code: &str| Fault::from(keyvalue::Problem { code: code.to_owned(), message: "m".to_owned() }).code;
        assert_eq!([of("unavailable"), of("quota"), of("later")], ["unavailable", "internal", "internal"]);
    }
}
