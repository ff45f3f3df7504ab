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
        write!(f, "{severity}: ")?;
        match &self.place {
            Some(place) if place.line > 0 => write!(f, "{}:{}:{}: ", place.file, place.line, place.column)?,
            Some(place) => write!(f, "{}: ", place.file)?,
            None => {}
        }
        write!(f, "{}: {}", self.subject, self.message)?;
        let hint = self.hint.as_deref().unwrap_or_default();
        hint.lines().try_for_each(|line| write!(f, "\n    {line}"))
    }
}
