//! JSON objects in which no member occurs twice: of two values, one reader takes the first and another the last, and a check by one says
//! nothing about the other (RFC 8259 §4, RFC 7515 §4).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads the text as an object.
///
/// # Errors
/// Why it is none; without any part of it.
pub(crate) fn object(text: &str) -> Result<Map<String, Value>, &'static str> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut reader).map_err(|error| reason(&error))?;
    reader.end().map_err(|_| "something follows the JSON object")?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err("not a JSON object"),
    }
}

const TWICE: &str = "a member occurs twice";

fn reason(error: &serde_json::Error) -> &'static str {
    if error.to_string().starts_with(TWICE) { TWICE } else { "not JSON" }
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is none"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Strict)?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::{TWICE, object};

    #[test]
    fn an_object_is_read_as_serde_json_would() {
        let text = r#"{"a": [1, -2, 2.5, true, null, "\u00e9"], "b": {"c": {}}}"#;
        assert_eq!(object(text).map(Into::into), Ok(serde_json::from_str::<serde_json::Value>(text).unwrap()));
    }

    #[test]
    fn a_member_that_occurs_twice_is_refused_at_any_depth_and_in_any_spelling() {
        for text in [r#"{"a": 1, "a": 1}"#, r#"{"a": 1, "\u0061": 2}"#, r#"{"x": [{"a": 1, "a": 2}]}"#] {
            assert_eq!(object(text), Err(TWICE), "{text}");
        }
    }

    #[test]
    fn what_is_no_object_or_is_followed_by_something_is_refused() {
        for text in ["", "[]", "1", "{", "{} {}", "{}x", r#"{"a": 1e999}"#, &"[".repeat(300)] {
            assert!(object(text).is_err(), "{text}");
        }
    }
}
