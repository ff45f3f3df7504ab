//! JSON: reading objects by RFC 6901 pointer, and writing them. Objects of the API server stay `Value`: a field that we do not know must
//! survive.

use serde::Serialize;
use serde_json::{Map, Value};

/// `serde_json::json!` in a third of the code: the component has some thousand of its entries, and each is one call here. A key is one
/// token, or in parentheses.
macro_rules! json {
    (@object $object:ident) => {};
    (@object $object:ident $key:tt : null $(, $($rest:tt)*)?) => {
        $crate::json::put(&mut $object, $key.as_ref(), ::serde_json::Value::Null);
        $($crate::json::json!(@object $object $($rest)*);)?
    };
    (@object $object:ident $key:tt : { $($below:tt)* } $(, $($rest:tt)*)?) => {
        $crate::json::put(&mut $object, $key.as_ref(), $crate::json::json!({ $($below)* }));
        $($crate::json::json!(@object $object $($rest)*);)?
    };
    (@object $object:ident $key:tt : [ $($below:tt)* ] $(, $($rest:tt)*)?) => {
        $crate::json::put(&mut $object, $key.as_ref(), $crate::json::json!([ $($below)* ]));
        $($crate::json::json!(@object $object $($rest)*);)?
    };
    (@object $object:ident $key:tt : $value:expr $(, $($rest:tt)*)?) => {
        $crate::json::put(&mut $object, $key.as_ref(), $crate::json::value(&$value));
        $($crate::json::json!(@object $object $($rest)*);)?
    };
    (@list [$($done:expr,)*]) => { ::std::vec![$($done),*] };
    (@list [$($done:expr,)*] null $(, $($rest:tt)*)?) => {
        $crate::json::json!(@list [$($done,)* ::serde_json::Value::Null,] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] { $($below:tt)* } $(, $($rest:tt)*)?) => {
        $crate::json::json!(@list [$($done,)* $crate::json::json!({ $($below)* }),] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] [ $($below:tt)* ] $(, $($rest:tt)*)?) => {
        $crate::json::json!(@list [$($done,)* $crate::json::json!([ $($below)* ]),] $($($rest)*)?)
    };
    (@list [$($done:expr,)*] $value:expr $(, $($rest:tt)*)?) => {
        $crate::json::json!(@list [$($done,)* $crate::json::value(&$value),] $($($rest)*)?)
    };
    ({}) => { ::serde_json::Value::Object(::serde_json::Map::new()) };
    ({ $($all:tt)* }) => {{
        let mut object = ::serde_json::Map::new();
        $crate::json::json!(@object object $($all)*);
        ::serde_json::Value::Object(object)
    }};
    ([ $($all:tt)* ]) => { ::serde_json::Value::Array($crate::json::json!(@list [] $($all)*)) };
    (null) => { ::serde_json::Value::Null };
    ($value:expr) => { $crate::json::value(&$value) };
}
pub(crate) use json;

/// For [`json!`]: one entry.
#[inline(never)]
pub(crate) fn put(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.insert(key.to_owned(), value);
}

/// For [`json!`]: anything that serde writes. What it cannot write (keys that are no strings) none of our types has.
#[inline(never)]
pub(crate) fn value<T: Serialize + ?Sized>(of: &T) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

/// As text. `Value::to_string` writes the same in small pieces through a formatter, several times as slowly.
pub(crate) fn written(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A string, unless it is absent or empty.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|one| !one.is_empty())
}

/// An integer.
pub(crate) fn integer(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

/// A list; absent is empty.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The strings of a list.
pub(crate) fn texts<'a>(value: &'a Value, pointer: &str) -> Vec<&'a str> {
    list(value, pointer).iter().filter_map(Value::as_str).collect()
}

/// An annotation, whose key may hold `/`.
pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations").and_then(|all| all.get(key)).and_then(Value::as_str)
}

/// A label, whose key may hold `/`.
pub(crate) fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/labels").and_then(|all| all.get(key)).and_then(Value::as_str)
}

/// Whether an owner reference of the object names this uid, so that garbage collection removes it with its owner.
pub(crate) fn is_owned_by(object: &Value, uid: &str) -> bool {
    list(object, "/metadata/ownerReferences").iter().any(|owner| text(owner, "/uid") == Some(uid))
}

/// The object with one key more.
pub(crate) fn with(mut object: Value, key: &str, value: Value) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.into(), value);
    }
    object
}

/// The object after a merge patch (RFC 7396).
pub(crate) fn merged(object: &Value, patch: &Value) -> Value {
    let Some(changes) = patch.as_object() else { return patch.clone() };
    let mut map = object.as_object().cloned().unwrap_or_default();
    for (key, change) in changes {
        if change.is_null() {
            map.remove(key);
        } else {
            let before = map.get(key).cloned().unwrap_or_default();
            map.insert(key.clone(), merged(&before, change));
        }
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_written_is_what_serde_json_writes() {
        let (name, key, none) = ("db", "of/it", None::<i64>);
        let ours = json!({"a": null, "b": [1, null, {"c": [true]}, [name], name.len() + 1], "d": {}, "e": none, key: {"f": 1.5}, (name): []});
        let theirs = serde_json::json!({"a": null, "b": [1, null, {"c": [true]}, [name], name.len() + 1], "d": {}, "e": none, key: {"f": 1.5}, (name): []});
        assert_eq!(ours, theirs);
        assert_eq!(
            (json!([]), json!("x"), json!(null)),
            (serde_json::json!([]), serde_json::json!("x"), serde_json::json!(null))
        );
        assert_eq!(json!({"a": [1, 2,], "b": {"c": 1,},}), serde_json::json!({"a": [1, 2], "b": {"c": 1}}));
    }
}
