//! Whether a document has the shape of the configuration: every unknown key, missing key and wrong type at once, measured with the same
//! JSON Schema that editors get. What values mean together is `resolve`'s business.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::path::{KeyPath, Step};
use super::report::Report;
use super::suggest::nearest;
use super::{raw::RawConfig, tree::Tree};

/// The JSON Schema of `portcullis.yaml`.
#[must_use]
pub fn json_schema() -> Value {
    schemars::schema_for!(RawConfig).to_value()
}

/// Reports what does not fit the schema.
pub(crate) fn check(tree: &Tree, report: &mut Report<'_>) {
    let mut schema = json_schema();
    unlimited(&mut schema);
    match jsonschema::options().build(&schema) {
        Ok(validator) => Shape { schema: &schema, report }.run(&validator, &tree.to_value()),
        Err(error) => report.error(&KeyPath::root(), format!("the configuration's own schema does not compile: {error}")),
    }
}

/// Leaves ranges to `resolve`, which says them together with what else is wrong. That a number is not negative is shape.
fn unlimited(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            if keywords.remove("maximum").is_some() {
                keywords.insert("minimum".to_owned(), 0.into());
            }
            keywords.values_mut().for_each(unlimited);
        }
        Value::Array(items) => items.iter_mut().for_each(unlimited),
        _ => {}
    }
}

struct Shape<'a, 'b> {
    schema: &'a Value,
    report: &'a mut Report<'b>,
}

impl Shape<'_, '_> {
    fn run(&mut self, validator: &Validator, instance: &Value) {
        validator.iter_errors(instance).for_each(|error| self.explain(&error));
    }

    fn explain(&mut self, error: &ValidationError<'_>) {
        let path = key_path(error);
        match error.kind() {
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => self.explain_best(context, &path, error),
            Kind::AdditionalProperties { unexpected } => unexpected.iter().for_each(|key| self.unknown(error, &path, key)),
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let hint = self.described(error, &["properties", name]);
                self.report.hinted(&path.key(name), "is missing".to_owned(), hint);
            }
            Kind::Type { .. } => {
                let expected = self.keyword(error).map(type_names).unwrap_or_default();
                let message = format!("is {}, but must be {expected}", type_name(error.instance()));
                let hint = self.described(error, &[]);
                self.report.hinted(&path, message, hint);
            }
            Kind::Pattern { .. } => {
                let message = format!("`{}` is not of the right form", error.instance().as_str().unwrap_or_default());
                let hint = self.described(error, &[]);
                self.report.hinted(&path, message, hint);
            }
            Kind::Enum { options } => self.not_an_option(error, &path, options),
            _ => {
                let hint = self.described(error, &[]);
                self.report.hinted(&path, error.masked().to_string(), hint);
            }
        }
    }

    /// Of several alternatives, explains the one that the document comes nearest to: the one whose errors lie deepest.
    fn explain_best(&mut self, context: &[Vec<ValidationError<'static>>], path: &KeyPath, error: &ValidationError<'_>) {
        let depth = |errors: &&Vec<ValidationError<'static>>| {
            let is_type = |one: &ValidationError<'_>| matches!(one.kind(), Kind::Type { .. });
            let deepest = errors.iter().map(|one| one.instance_path().into_iter().count()).max().unwrap_or_default();
            (deepest, errors.iter().any(|one| !is_type(one)))
        };
        match context.iter().max_by_key(depth) {
            Some(errors) if !errors.is_empty() => errors.iter().for_each(|one| self.explain(one)),
            _ => self.report.error(path, error.masked().to_string()),
        }
    }

    fn unknown(&mut self, error: &ValidationError<'_>, path: &KeyPath, key: &str) {
        let known: Vec<String> = self
            .beside(error, &["properties"])
            .and_then(Value::as_object)
            .map(|properties| properties.keys().cloned().collect())
            .unwrap_or_default();
        let words = || known.iter().map(String::as_str);
        let hint = match nearest(key, words()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known here: {}", words().collect::<Vec<_>>().join(", ")),
        };
        self.report.about_key(&path.key(key), "is not a known key".to_owned(), hint);
    }

    fn not_an_option(&mut self, error: &ValidationError<'_>, path: &KeyPath, options: &Value) {
        let known: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let typed = error.instance().as_str().unwrap_or_default();
        let message = format!("is `{typed}`, but must be one of {}", known.join(", "));
        let hint = nearest(typed, known.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
        self.report.hinted(path, message, hint);
    }

    /// The schema keyword that failed.
    fn keyword(&self, error: &ValidationError<'_>) -> Option<&Value> {
        self.schema.pointer(error.schema_path().as_str())
    }

    /// What stands beside the failed keyword in the schema.
    fn beside(&self, error: &ValidationError<'_>, steps: &[&str]) -> Option<&Value> {
        let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
        steps.iter().try_fold(self.schema.pointer(parent)?, |value, step| value.get(step))
    }

    fn described(&self, error: &ValidationError<'_>, steps: &[&str]) -> Option<String> {
        Some(self.beside(error, steps)?.get("description")?.as_str()?.replace('\n', " "))
    }
}

fn key_path(error: &ValidationError<'_>) -> KeyPath {
    error.instance_path().into_iter().fold(KeyPath::root(), |path, segment| match segment {
        jsonschema::paths::LocationSegment::Property(name) => path.with(Step::Key(name.into_owned())),
        jsonschema::paths::LocationSegment::Index(index) => path.with(Step::Index(index)),
    })
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// The words for a schema's `type`; `null` is left out, since nobody is told to write it.
fn type_names(types: &Value) -> String {
    let word = |name: &str| match name {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "text (in quotes if it looks like a number)",
        "array" => "a list",
        _ => "a mapping",
    };
    let names: Vec<&str> = match types {
        Value::Array(all) => all.iter().filter_map(Value::as_str).filter(|name| *name != "null").map(word).collect(),
        one => one.as_str().map(word).into_iter().collect(),
    };
    names.join(" or ")
}
