//! Arguments as a tool reads them, out of JSON that is parsed once for all tools: what is compiled anew for every tool's `Input` is then
//! only the choice of the field. Reading each `Input` straight from the text costs the component 240 KiB of parsers.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde_json::{Error, Map, Value, map};

use crate::problem::Problem;

/// The host has checked them against the input schema; this is what is left to go wrong.
pub(crate) fn read<T: DeserializeOwned>(arguments: &str) -> Result<T, Problem> {
    let given: Map<String, Value> = serde_json::from_str(arguments).map_err(|error| misfit(&error))?;
    of(&given)
}

/// The same, of arguments that are parsed already.
pub(crate) fn of<T: DeserializeOwned>(given: &Map<String, Value>) -> Result<T, Problem> {
    T::deserialize(Fields { rest: given.iter(), value: None }).map_err(|error| misfit(&error))
}

fn misfit(error: &Error) -> Problem {
    Problem {
        code: 400,
        reason: "InvalidArgument".into(),
        message: format!("the arguments do not fit: {error}").into(),
        hint: "See the tool's input schema.".into(),
        ..Problem::default()
    }
}

/// An object as nothing but its fields.
struct Fields<'a> {
    rest: map::Iter<'a>,
    value: Option<&'a Value>,
}

impl<'de> Deserializer<'de> for Fields<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'a> MapAccess<'a> for Fields<'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.value.take().unwrap_or(&Value::Null).into_deserializer())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use serde::Deserialize;

    use super::read;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        name: String,
        #[serde(rename = "type")]
        kind: Option<i64>,
        words: Option<Vec<String>>,
    }

    #[test]
    fn null_and_absent_are_the_same() {
        let input: Input = read(r#"{"name": "db", "type": null}"#).unwrap();
        assert_eq!(input, Input { name: "db".into(), kind: None, words: None });
        let input: Input = read(r#"{"words": ["a"], "type": 3, "name": "db"}"#).unwrap();
        assert_eq!(input, Input { name: "db".into(), kind: Some(3), words: Some(vec!["a".into()]) });
    }

    #[test]
    fn what_does_not_fit_is_told_by_name() {
        let said = |text: &str| read::<Input>(text).unwrap_err().message;
        assert!(said(r#"{"name": "db", "nmae": 1}"#).contains("`nmae`"));
        assert!(said("{}").contains("`name`"));
        assert!(said(r#"{"name": 3}"#).contains("expected a string"));
        assert!(said(r#"["db", 3, null]"#).contains("do not fit"));
    }
}
