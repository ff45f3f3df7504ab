//! A tool's parameters as a table, and the input schema that follows from it: every parameter is described, every optional one
//! takes `null`, nothing else is accepted. What the values mean is the tools' business.

use portcullis_plugin::kubernetes::Kind;
use serde_json::{Map, Value};

use crate::json::json;
use crate::kind::CLUSTERS;
use crate::name::{CLUSTER_PATTERN, LABEL_PATTERN, OBJECT_PATTERN};

/// What values a parameter takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Takes {
    /// A string that matches the pattern; empty: any up to 1,024 characters.
    Text(&'static str),
    Integer(i64, i64),
    Flag,
    Choice(&'static [&'static str]),
    /// A list of such.
    Choices(&'static [&'static str]),
    /// Anything else: its JSON Schema.
    Json(&'static str),
}

/// One parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    /// JSON text of the default; `None`: required. `null` says that leaving it out has a meaning of its own.
    pub(crate) default: Option<&'static str>,
    pub(crate) description: &'static str,
    /// The kind of the existing object that it names.
    pub(crate) of: Option<Kind>,
}

impl Parameter {
    /// One that must be there.
    pub(crate) const fn required(name: &'static str, takes: Takes, description: &'static str) -> Self {
        Self { name, takes, default: None, description, of: None }
    }

    /// One with a default.
    pub(crate) const fn optional(name: &'static str, takes: Takes, default: &'static str, description: &'static str) -> Self {
        Self { name, takes, default: Some(default), description, of: None }
    }

    /// The same, which names an existing object of that kind: its namespace can be found by it.
    pub(crate) const fn naming(self, kind: Kind) -> Self {
        Self { of: Some(kind), ..self }
    }

    /// Whether the host would let this value pass; the error says why not, to be read behind the parameter's name. Patterns are left to
    /// the API server, which checks names by the same rules.
    pub(crate) fn fits(&self, value: Option<&Value>) -> Result<(), String> {
        let Some(value) = value.filter(|one| !one.is_null()) else {
            return if self.default.is_some() { Ok(()) } else { Err("is missing".into()) };
        };
        let word = |words: &[&str], one: &Value| one.as_str().is_some_and(|text| words.contains(&text));
        let fits = match self.takes {
            Takes::Text(_) => value.as_str().is_some_and(|text| text.len() <= 1024 && !text.contains(char::is_control)),
            Takes::Integer(least, most) => value.as_i64().is_some_and(|number| (least..=most).contains(&number)),
            Takes::Flag => value.is_boolean(),
            Takes::Choice(words) => word(words, value),
            Takes::Choices(words) => value.as_array().is_some_and(|all| all.iter().all(|one| word(words, one))),
            Takes::Json(_) if self.is_secret() => value.is_string(),
            Takes::Json(_) => true,
        };
        if !fits && self.is_secret() {
            return Err(format!("does not fit: it takes {}", self.takes.schema()));
        }
        if fits { Ok(()) } else { Err(format!("cannot be {value}: it takes {}", self.takes.schema())) }
    }

    /// Whether its value must not be repeated to anybody.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.takes, Takes::Json(schema) if schema.contains("\"writeOnly\": true"))
    }

    fn schema(&self) -> Value {
        let mut schema = self.takes.schema();
        if let Some(map) = schema.as_object_mut() {
            map.insert("description".into(), self.description.into());
            if let Some(default) = self.default {
                map.insert("default".into(), serde_json::from_str(default).unwrap_or_default());
                allow_null(map);
            }
        }
        schema
    }
}

impl Takes {
    fn schema(self) -> Value {
        match self {
            Self::Text("") => json!({"type": "string", "maxLength": 1024}),
            Self::Text(pattern) => json!({"type": "string", "pattern": pattern}),
            Self::Integer(minimum, maximum) => json!({"type": "integer", "minimum": minimum, "maximum": maximum}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Choice(words) => json!({"type": "string", "enum": words}),
            Self::Choices(words) => json!({"type": "array", "items": {"type": "string", "enum": words}, "uniqueItems": true}),
            Self::Json(text) => serde_json::from_str(text).unwrap_or_default(),
        }
    }
}

/// Some clients send every optional parameter as `null`.
fn allow_null(schema: &mut Map<String, Value>) {
    match schema.get_mut("type") {
        Some(Value::Array(types)) => types.push("null".into()),
        Some(one) => *one = json!([one.take(), "null"]),
        None => {}
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
}

/// The input schema of a tool.
pub(crate) fn input_schema(parameters: &[Parameter]) -> Value {
    let properties: Map<String, Value> = parameters.iter().map(|one| (one.name.to_owned(), one.schema())).collect();
    let required: Vec<&str> = parameters.iter().filter(|one| one.default.is_none()).map(|one| one.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// A cluster that exists.
pub(crate) const NAME: Parameter =
    Parameter::required("name", Takes::Text(OBJECT_PATTERN), "Name of the cluster.").naming(CLUSTERS);
/// A cluster that will exist.
pub(crate) const NEW_NAME: Parameter = Parameter::required(
    "name",
    Takes::Text(CLUSTER_PATTERN),
    "Name of the new cluster: lower-case letters, digits and hyphens, beginning with a letter, at most 50 characters (DNS-1035).",
);
/// The cluster that a role, a database or the like belongs to.
pub(crate) const CLUSTER_NAME: Parameter =
    Parameter::required("cluster_name", Takes::Text(OBJECT_PATTERN), "Name of the cluster that it belongs to.").naming(CLUSTERS);
pub(crate) const NAMESPACE: Parameter = Parameter::optional(
    "namespace",
    Takes::Text(LABEL_PATTERN),
    "null",
    "Kubernetes namespace. Left out: the default namespace of this server.",
);
pub(crate) const ALL_NAMESPACES: Parameter =
    Parameter::optional("all_namespaces", Takes::Flag, "false", "Look in every namespace; `namespace` is then ignored.");
pub(crate) const DETAIL: Parameter = Parameter::optional(
    "detail_level",
    Takes::Choice(&["concise", "detailed"]),
    "\"concise\"",
    "concise: what is needed to see whether all is well. detailed: everything.",
);
pub(crate) const FORMAT: Parameter = Parameter::optional(
    "format",
    Takes::Choice(&["text", "json"]),
    "\"text\"",
    "text: Markdown for people. json: the structured result as text. The structured result comes with both.",
);
pub(crate) const DRY_RUN: Parameter = Parameter::optional(
    "dry_run",
    Takes::Flag,
    "false",
    "Ask the API server to check and show the change (all validation and webhooks run) without making it.",
);
pub(crate) const WAIT: Parameter = Parameter::optional(
    "wait",
    Takes::Flag,
    "false",
    "Wait until the cluster is healthy with all instances ready, at most until this server ends the call (`limits.deadlineMs`).",
);
pub(crate) const TIMEOUT: Parameter = Parameter::optional(
    "timeout",
    Takes::Integer(1, 3600),
    "null",
    "Seconds to wait with `wait: true`. Left out: 60 per instance, between 30 and 600. Never longer than this server lets a call run (`limits.deadlineMs`).",
);
/// For lists that `paging` cuts.
pub(crate) const LIMIT: Parameter = Parameter::optional(
    "limit",
    Takes::Integer(1, 500),
    "100",
    "Most entries in one answer. Fewer come when the answer would grow beyond 25,000 characters.",
);
pub(crate) const CURSOR: Parameter =
    Parameter::optional("cursor", Takes::Text(""), "null", "`next_cursor` of the answer before, with the same filters.");
/// For tools that ask before they destroy.
pub(crate) const CONFIRM: Parameter = Parameter::optional(
    "confirm",
    Takes::Flag,
    "null",
    "false never changes anything. true alone is not enough: the human is asked, or `confirm_name` repeats the name.",
);
pub(crate) const CONFIRM_NAME: Parameter =
    Parameter::optional("confirm_name", Takes::Text(""), "null", "The name once more, when the client cannot ask the human.");
