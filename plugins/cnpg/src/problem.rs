//! Why a tool did not do it: a result with `isError` that a model can act upon. How a Status becomes one is in `explain`.

use serde_json::Value;

use crate::answer::Answer;
use crate::json::json;

/// One cause, with the parameter of the tool it comes from where there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) parameter: Option<String>,
    pub(crate) field: String,
    pub(crate) message: String,
}

/// What went wrong and what to do next. Boxed texts keep it small: every request of a tool may return one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    /// HTTP status of the API server, or the one that fits; 0 when there was no answer.
    pub(crate) code: u16,
    pub(crate) reason: Box<str>,
    pub(crate) message: Box<str>,
    pub(crate) retryable: bool,
    pub(crate) retry_after_ms: Option<u32>,
    pub(crate) causes: Vec<Cause>,
    pub(crate) hint: Box<str>,
    /// RBAC or grant YAML that would allow it.
    pub(crate) missing_rule: Option<Box<str>>,
    pub(crate) next_tools: &'static [&'static str],
}

impl Problem {
    /// The caller's own mistake: `parameter` has a value that cannot work.
    pub(crate) fn argument(parameter: &str, message: impl Into<String>, hint: impl Into<Box<str>>) -> Self {
        let message = message.into();
        Self {
            code: 400,
            reason: "InvalidArgument".into(),
            causes: vec![Cause { parameter: Some(parameter.into()), field: String::new(), message: message.clone() }],
            message: format!("`{parameter}`: {message}").into(),
            hint: hint.into(),
            ..Self::default()
        }
    }

    /// A guard of ours refused: nothing was changed.
    pub(crate) fn refused(reason: &str, message: impl Into<Box<str>>, hint: impl Into<Box<str>>) -> Self {
        Self { code: 409, reason: reason.into(), message: message.into(), hint: hint.into(), ..Self::default() }
    }

    /// The same with the tools to call next.
    pub(crate) fn next(mut self, tools: &'static [&'static str]) -> Self {
        self.next_tools = tools;
        self
    }

    /// Causes under the names that this tool has for parameters: a field of the Cluster is another parameter in `create_postgres_cluster`.
    pub(crate) fn renamed(mut self, names: &[(&str, &str)]) -> Self {
        for cause in &mut self.causes {
            if let Some((_, own)) = names.iter().find(|(other, _)| cause.parameter.as_deref() == Some(*other)) {
                cause.parameter = Some((*own).into());
            }
        }
        self
    }

    /// For `structuredContent`.
    pub(crate) fn structured(&self) -> Value {
        let causes: Vec<Value> = self
            .causes
            .iter()
            .map(|one| json!({"parameter": one.parameter, "field": one.field, "message": one.message}))
            .collect();
        json!({
            "code": self.code, "reason": self.reason, "message": self.message, "retryable": self.retryable,
            "retry_after_ms": self.retry_after_ms, "causes": causes, "hint": self.hint,
            "missing_rule": self.missing_rule, "next_tools": self.next_tools,
        })
    }

    /// For people.
    pub(crate) fn markdown(&self) -> String {
        let code = if self.code == 0 { String::new() } else { format!(" ({})", self.code) };
        let mut out = format!("**{}{code}**: {}\n", self.reason, self.message);
        // An argument's only cause is the message itself.
        for one in self.causes.iter().filter(|one| !self.message.ends_with(&one.message)) {
            let place = one.parameter.as_ref().map_or_else(|| one.field.clone(), |name| format!("parameter `{name}`"));
            out.push_str(&format!("- {place}: {}\n", one.message));
        }
        if !self.hint.is_empty() {
            out.push_str(&format!("\n{}\n", self.hint));
        }
        if let Some(rule) = &self.missing_rule {
            out.push_str(&format!("\n```yaml\n{}\n```\n", rule.trim_end()));
        }
        if !self.next_tools.is_empty() {
            let tools: Vec<String> = self.next_tools.iter().map(|one| format!("`{one}`")).collect();
            out.push_str(&format!("\nNext: {}\n", tools.join(", ")));
        }
        out
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self { text: problem.markdown(), structured: problem.structured(), is_error: true }
    }
}
