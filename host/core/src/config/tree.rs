//! A YAML document as a tree that remembers where each key and value stands, so that a finding can name its line. Knows nothing of what
//! the keys mean.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use super::path::{KeyPath, Step};

/// Line and column, from 1.
pub(crate) type Position = (u64, u64);

/// One value with its place.
#[derive(Debug)]
pub(crate) struct Tree {
    at: Position,
    node: Node,
}

#[derive(Debug)]
enum Node {
    Scalar(Value),
    Sequence(Vec<Tree>),
    Mapping(Vec<(Key, Tree)>),
}

#[derive(Debug)]
struct Key {
    name: String,
    at: Position,
}

impl Tree {
    /// Reads a document; an empty one is an empty mapping.
    pub(crate) fn parse(text: &str) -> Result<Self, (Position, String)> {
        let tree = serde_saphyr::from_str::<Option<Self>>(text).map_err(|error| {
            let at = error.location().map_or((0, 0), |place| (place.line(), place.column()));
            (at, first_words(&error.without_snippet().to_string()))
        })?;
        Ok(tree.unwrap_or(Self { at: (1, 1), node: Node::Mapping(Vec::new()) }))
    }

    /// The tree as JSON.
    pub(crate) fn to_value(&self) -> Value {
        match &self.node {
            Node::Scalar(value) => value.clone(),
            Node::Sequence(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Node::Mapping(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.name.clone(), value.to_value())).collect::<Map<_, _>>())
            }
        }
    }

    /// Where `path` stands: a scalar by its value, anything larger by its key. What is not there is shown by what holds it.
    pub(crate) fn position(&self, path: &KeyPath) -> Position {
        let mut here = (self, self.at);
        for step in path.steps() {
            match here.0.child(step) {
                Some(next) => here = next,
                None => break,
            }
        }
        here.1
    }

    fn child(&self, step: &Step) -> Option<(&Self, Position)> {
        match (&self.node, step) {
            (Node::Sequence(items), Step::Index(index)) => items.get(*index).map(|item| (item, item.at)),
            (Node::Mapping(entries), Step::Key(name)) => entries
                .iter()
                .find(|(key, _)| key.name == *name)
                .map(|(key, value)| (value, if matches!(value.node, Node::Scalar(_)) { value.at } else { key.at })),
            _ => None,
        }
    }

    /// Where the key itself stands, for findings about the key.
    pub(crate) fn key_position(&self, path: &KeyPath) -> Position {
        let Some((Step::Key(last), parents)) = path.steps().split_last() else {
            return self.position(path);
        };
        let mut here = self;
        for step in parents {
            match here.child(step) {
                Some((next, _)) => here = next,
                None => return self.position(path),
            }
        }
        match &here.node {
            Node::Mapping(entries) => {
                entries.iter().find(|(key, _)| key.name == *last).map_or_else(|| self.position(path), |(key, _)| key.at)
            }
            _ => self.position(path),
        }
    }
}

/// The parser's message without its place, which the finding has, and without advice to programmers.
fn first_words(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.rsplit_once(" at line ").map_or(line, |(message, _)| message);
    line.split_once(", set ").map_or(line, |(message, _)| message).trim().to_owned()
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let node = Spanned::<Node>::deserialize(deserializer)?;
        Ok(Self { at: (node.referenced.line(), node.referenced.column()), node: node.value })
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Number(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        // YAML's .nan and .inf have no JSON form: they become text, which no numeric key accepts.
        let number = Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number);
        Ok(Node::Scalar(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(Value::String(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Node::Sequence(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let at = (key.referenced.line(), key.referenced.column());
            all.push((Key { name: key.value, at }, entries.next_value()?));
        }
        Ok(Node::Mapping(all))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::{KeyPath, Tree};

    #[test]
    fn a_tree_knows_where_keys_and_values_stand() {
        let tree = Tree::parse("a:\n  b: 1\n  c:\n    - x\n    - d: true\n").unwrap();
        let at = |path: KeyPath| tree.position(&path);
        assert_eq!(at(KeyPath::root().key("a").key("b")), (2, 6));
        assert_eq!(at(KeyPath::root().key("a").key("c")), (3, 3));
        assert_eq!(at(KeyPath::root().key("a").key("c").index(1).key("d")), (5, 10));
        assert_eq!(at(KeyPath::root().key("a").key("missing")), (1, 1));
        assert_eq!(tree.key_position(&KeyPath::root().key("a").key("b")), (2, 3));
        assert_eq!(tree.to_value(), serde_json::json!({"a": {"b": 1, "c": ["x", {"d": true}]}}));
    }

    #[test]
    fn an_empty_document_is_an_empty_mapping() {
        assert_eq!(Tree::parse("").unwrap().to_value(), serde_json::json!({}));
        assert_eq!(Tree::parse("# nothing\n").unwrap().to_value(), serde_json::json!({}));
    }

    #[test]
    fn broken_yaml_says_where() {
        let (at, message) = Tree::parse("a: [1\nb: 2\n").unwrap_err();
        assert!(at.0 >= 1, "{at:?} {message}");
        let (at, message) = Tree::parse("a: 1\na: 2\n").unwrap_err();
        assert_eq!(at.0, 2, "{message}");
    }
}
