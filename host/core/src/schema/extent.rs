//! How much work a JSON Schema can make, counted before it is compiled: a few hundred bytes of `$ref`s can stand for 2^40 subschemas. Must not
//! validate anything. Specs: JSON Schema 2020-12 Core §8.2.3 (references), §9.4.1 (recursion), §10 and §11 (what applies subschemas).

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::SchemaError as Refusal;

/// Most subschemas with every reference followed; each time that one is reached counts. 10,000: a hundred times a large tool's.
pub(super) const PARTS_MAX: u64 = 10_000;

/// Longest chain of subschemas about one and the same value, by `allOf`, `$ref` and their like. 32: validation recurses this deep at each
/// level of an instance.
pub(super) const CHAIN_MAX: usize = 32;

/// Longest path through subschemas before one repeats. 256: compilation recurses along it.
pub(super) const PATH_MAX: usize = 256;

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Extent {
    /// Subschemas with references followed; one that is being counted already counts once.
    pub(super) parts: u64,
    /// References that lead back into what is being counted. More than one, and the errors of an instance may double at each level.
    pub(super) returns: u64,
}

/// Counts a schema.
pub(super) fn of(schema: &Value) -> Result<Extent, Refusal> {
    let mut survey = Survey::default();
    survey.register(schema, schema);
    survey.whole(schema)
}

/// Where a subschema is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// To the same value.
    Here,
    /// To something inside of it.
    Inside,
}

/// By address: the document does not move while it is counted.
type Place = *const Value;

#[derive(Default)]
struct Survey<'a> {
    /// By `$id` (its last segment) and by `#anchor`; several may share a name, and then each is meant.
    named: HashMap<&'a str, Vec<&'a Value>>,
    /// The document or embedded resource that `#` means within a subschema.
    resource: HashMap<Place, &'a Value>,
    here: HashMap<Place, (u64, usize)>,
    walking: HashSet<Place>,
    counted: HashMap<Place, Extent>,
    path: Vec<Place>,
}

fn last_segment(uri: &str) -> &str {
    uri.rsplit('/').next().unwrap_or(uri)
}

/// Percent-decoding of a fragment (RFC 3986 §2.1); what is no escape stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = after.get(..2).filter(|_| first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The dialects' own schemas come with the validator, and it knows how to recurse in them.
fn is_dialect(base: &str) -> bool {
    ["http://json-schema.org/", "https://json-schema.org/"].iter().any(|prefix| base.starts_with(prefix))
}

impl<'a> Survey<'a> {
    /// Notes names, and to which resource each value belongs.
    fn register(&mut self, value: &'a Value, resource: &'a Value) {
        let mut resource = resource;
        if let Value::Object(fields) = value {
            for key in ["$id", "id"] {
                if let Some(id) = fields.get(key).and_then(Value::as_str) {
                    let id = id.trim_end_matches('#');
                    resource = if id.starts_with('#') { resource } else { value };
                    self.named.entry(if id.starts_with('#') { id } else { last_segment(id) }).or_default().push(value);
                }
            }
            for key in ["$anchor", "$dynamicAnchor"] {
                if let Some(anchor) = fields.get(key).and_then(Value::as_str) {
                    self.named.entry(anchor).or_default().push(value);
                }
            }
            fields.values().for_each(|field| self.register(field, resource));
        } else if let Value::Array(items) = value {
            items.iter().for_each(|item| self.register(item, resource));
        }
        self.resource.insert(std::ptr::from_ref(value), resource);
    }

    fn named(&self, name: &str) -> Vec<&'a Value> {
        self.named.get(name).cloned().unwrap_or_default()
    }

    /// What a reference leads to.
    fn targets(&self, from: &'a Value, reference: &str) -> Result<Vec<&'a Value>, Refusal> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        if is_dialect(base) {
            return Ok(Vec::new());
        }
        let resources = match base {
            "" => self.resource.get(&std::ptr::from_ref(from)).copied().into_iter().collect(),
            _ => self.named(last_segment(base)),
        };
        let fragment = decoded(fragment);
        let found: Vec<&Value> = match fragment.as_str() {
            "" => resources,
            pointer if pointer.starts_with('/') => resources.iter().filter_map(|resource| resource.pointer(pointer)).collect(),
            anchor => [self.named(anchor), self.named(&format!("#{anchor}"))].concat(),
        };
        if found.is_empty() {
            return Err(Refusal::Compile(format!(
                "`$ref`: `{reference}` names nothing within the schema, and nothing is fetched"
            )));
        }
        Ok(found)
    }

    /// The subschemas that a schema applies.
    fn applied(&self, schema: &'a Value) -> Result<Vec<(Step, &'a Value)>, Refusal> {
        let mut parts = Vec::new();
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            match keyword.as_str() {
                "$ref" | "$dynamicRef" | "$recursiveRef" => {
                    let targets = value.as_str().map_or_else(|| Ok(Vec::new()), |reference| self.targets(schema, reference))?;
                    parts.extend(targets.into_iter().map(|target| (Step::Here, target)));
                }
                "allOf" | "anyOf" | "oneOf" | "not" | "if" | "then" | "else" => parts.extend(each(Step::Here, value)),
                "dependentSchemas" | "dependencies" => parts.extend(values(Step::Here, value)),
                "properties" | "patternProperties" => parts.extend(values(Step::Inside, value)),
                "additionalProperties"
                | "unevaluatedProperties"
                | "propertyNames"
                | "items"
                | "prefixItems"
                | "additionalItems"
                | "unevaluatedItems"
                | "contains" => parts.extend(each(Step::Inside, value)),
                _ => {}
            }
        }
        Ok(parts)
    }

    /// How many subschemas look at one value, and in how long a chain. Exact: a loop that never descends is refused, as Core §9.4.1 says.
    fn here(&mut self, schema: &'a Value) -> Result<(u64, usize), Refusal> {
        let place = std::ptr::from_ref(schema);
        if let Some(&known) = self.here.get(&place) {
            return Ok(known);
        }
        if !self.walking.insert(place) {
            return Err(Refusal::Unbounded("a `$ref` leads back to its own schema without going into the value".into()));
        }
        if self.walking.len() > CHAIN_MAX {
            return Err(Refusal::Unbounded(format!("more than {CHAIN_MAX} subschemas follow one another on the same value")));
        }
        let (mut parts, mut chain) = (0_u64, 0);
        for (_, part) in self.applied(schema)?.into_iter().filter(|(step, _)| *step == Step::Here) {
            let (more, longer) = self.here(part)?;
            (parts, chain) = (parts.saturating_add(more), chain.max(longer));
        }
        let found = (parts.saturating_mul(repeats(schema)).saturating_add(1), chain + 1);
        if found.1 > CHAIN_MAX {
            return Err(Refusal::Unbounded(format!("more than {CHAIN_MAX} subschemas follow one another on the same value")));
        }
        within(found.0)?;
        self.walking.remove(&place);
        self.here.insert(place, found);
        Ok(found)
    }

    fn whole(&mut self, schema: &'a Value) -> Result<Extent, Refusal> {
        let place = std::ptr::from_ref(schema);
        if self.path.contains(&place) {
            return Ok(Extent { parts: 1, returns: 1 });
        }
        if let Some(&known) = self.counted.get(&place) {
            return Ok(known);
        }
        if self.path.len() >= PATH_MAX {
            return Err(Refusal::Unbounded(format!(
                "its subschemas are nested more than {PATH_MAX} deep, with references followed"
            )));
        }
        self.here(schema)?;
        self.path.push(place);
        let mut extent = Extent { parts: 0, returns: 0 };
        for (_, part) in self.applied(schema)? {
            let more = self.whole(part)?;
            extent.parts = extent.parts.saturating_add(more.parts);
            extent.returns = extent.returns.saturating_add(more.returns);
        }
        extent.parts = extent.parts.saturating_mul(repeats(schema)).saturating_add(1);
        within(extent.parts)?;
        self.path.pop();
        self.counted.insert(place, extent);
        Ok(extent)
    }
}

/// To know what is unevaluated, a validator looks at everything beside it once more.
fn repeats(schema: &Value) -> u64 {
    let looks_again = ["unevaluatedProperties", "unevaluatedItems"].iter().any(|keyword| schema.get(keyword).is_some());
    if looks_again { 2 } else { 1 }
}

fn within(parts: u64) -> Result<(), Refusal> {
    if parts > PARTS_MAX {
        return Err(Refusal::Unbounded(format!("with every `$ref` followed it has more than {PARTS_MAX} subschemas")));
    }
    Ok(())
}

/// One subschema, or a list of them.
fn each(step: Step, value: &Value) -> Vec<(Step, &Value)> {
    match value {
        Value::Array(items) => items.iter().map(|item| (step, item)).collect(),
        one => vec![(step, one)],
    }
}

/// Subschemas by name; a list of names among them (draft 7's `dependencies`) counts as one without parts.
fn values(step: Step, value: &Value) -> Vec<(Step, &Value)> {
    value.as_object().map(Map::values).into_iter().flatten().map(|item| (step, item)).collect()
}

#[cfg(test)]
#[path = "extent_tests.rs"]
pub(super) mod tests;
