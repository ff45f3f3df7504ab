//! Findings: everything that is wrong with what an operator wrote or installed, said once, with the place and the next step.

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Works, but probably not as meant.
    Warning,
    /// This part does not run: the whole configuration, or one plugin.
    Error,
}

/// A place in a file, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// As the operator named it.
    pub file: String,
    /// From 1; 0 when only the file is known.
    pub line: u64,
    /// From 1; 0 when only the file is known.
    pub column: u64,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// What it is about: a key path (`plugins.cnpg.grants`) or `plugin cnpg`.
    pub subject: String,
    /// What is wrong. One sentence, no full stop.
    pub message: String,
    /// What to type next; YAML to add is indented by two spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl Finding {
    /// An error about `subject`.
    #[must_use]
    pub fn error(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, subject: subject.into(), message: message.into(), hint: None, place: None }
    }

    /// A warning about `subject`.
    #[must_use]
    pub fn warning(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(subject, message) }
    }

    /// Adds what to type next.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Adds where it is.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Everything but how bad it is, for where that is said already: a line of the log has a level.
    #[must_use]
    pub fn words(&self) -> Words<'_> {
        Words(self)
    }

    /// Whether it stops its subject from running.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl std::fmt::Display for Finding {
    /// `error: portcullis.yaml:3:5: plugins.cnpg: message`, then indented lines of hint.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = if self.is_error() { "error" } else { "warning" };
        write!(f, "{severity}: {}", self.words())
    }
}

/// See [`Finding::words`].
#[derive(Debug, Clone, Copy)]
pub struct Words<'a>(&'a Finding);

impl std::fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(finding) = self;
        match &finding.place {
            Some(place) if place.line > 0 => write!(f, "{}:{}:{}: ", place.file, place.line, place.column)?,
            Some(place) => write!(f, "{}: ", place.file)?,
            None => {}
        }
        write!(f, "{}: {}", finding.subject, finding.message)?;
        let hint = finding.hint.as_deref().unwrap_or_default();
        hint.lines().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Place};

    #[test]
    fn a_finding_says_how_bad_it_is_unless_that_is_said_already() {
        let place = Place { file: "a.yaml".into(), line: 1, column: 2 };
        let finding = Finding::warning("x", "is odd").hint("mend it").at(place);
        assert_eq!(finding.to_string(), "warning: a.yaml:1:2: x: is odd\n    mend it");
        assert_eq!(finding.words().to_string(), "a.yaml:1:2: x: is odd\n    mend it");
    }
}
