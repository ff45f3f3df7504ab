//! The part of CEL that CloudNativePG's CRDs use: `has`, `size`, `all`, `exists`, `filter`, `startsWith`,
//! comparison and logic. Must not know schemas; `rules.rs` walks them. Anything else is an error, never a pass.

use std::cmp::Ordering;

use serde_json::{Value, json};

/// A rule that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Literal(Value),
    Name(String),
    Field(Box<Expr>, String),
    Has(Box<Expr>),
    Call(Box<Expr>, String, Vec<Expr>),
    Each(Box<Expr>, String, String, Box<Expr>),
    Not(Box<Expr>),
    Both(Box<Expr>, Box<Expr>),
    Either(Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, String, Box<Expr>),
}

/// Reads a rule.
///
/// # Errors
/// What was found where something else was expected.
pub(crate) fn parse(rule: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(rule)?, place: 0 };
    let expr = parser.either()?;
    match parser.peek() {
        "" => Ok(expr),
        rest => Err(format!("unexpected {rest} in {rule}")),
    }
}

fn tokens(rule: &str) -> Result<Vec<String>, String> {
    let pattern = regex::Regex::new(r#"\s*('[^']*'|"[^"]*"|[A-Za-z_]\w*|\d+|&&|\|\||[=!<>]=|[!<>().,])"#)
        .map_err(|error| error.to_string())?;
    let mut rest = rule.trim_end();
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let found = pattern.captures(rest).and_then(|found| Some((found.get(0)?, found.get(1)?)));
        let (whole, token) = found.filter(|(whole, _)| whole.start() == 0).ok_or_else(|| format!("cannot read {rest}"))?;
        tokens.push(token.as_str().to_owned());
        rest = rest.get(whole.end()..).unwrap_or_default();
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<String>,
    place: usize,
}

impl Parser {
    fn peek(&self) -> &str {
        self.tokens.get(self.place).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        let token = self.peek().to_owned();
        self.place += 1;
        token
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.peek() == token;
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(format!("expected {token}, found {}", self.peek())) }
    }

    fn either(&mut self) -> Result<Expr, String> {
        let mut left = self.both()?;
        while self.take("||") {
            left = Expr::Either(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expr, String> {
        let mut left = self.comparison()?;
        while self.take("&&") {
            left = Expr::Both(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expr, String> {
        let left = self.unary()?;
        if matches!(self.peek(), "==" | "!=" | "<" | ">" | "<=" | ">=") {
            let operator = self.next();
            return Ok(Expr::Compare(Box::new(left), operator, Box::new(self.unary()?)));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.take("!") {
            return Ok(Expr::Not(Box::new(self.unary()?)));
        }
        let mut expr = self.primary()?;
        while self.take(".") {
            let name = self.next();
            expr = if self.take("(") { self.call(expr, name)? } else { Expr::Field(Box::new(expr), name) };
        }
        Ok(expr)
    }

    fn call(&mut self, on: Expr, name: String) -> Result<Expr, String> {
        if matches!(name.as_str(), "all" | "exists" | "filter") {
            let variable = self.next();
            self.expect(",")?;
            let body = self.either()?;
            self.expect(")")?;
            return Ok(Expr::Each(Box::new(on), name, variable, Box::new(body)));
        }
        let mut arguments = Vec::new();
        while !self.take(")") {
            arguments.push(self.either()?);
            self.take(",");
            if self.peek().is_empty() {
                return Err("expected )".to_owned());
            }
        }
        Ok(Expr::Call(Box::new(on), name, arguments))
    }

    fn primary(&mut self) -> Result<Expr, String> {
        let token = self.next();
        match token.as_str() {
            "(" => {
                let inner = self.either()?;
                self.expect(")")?;
                Ok(inner)
            }
            "has" => {
                self.expect("(")?;
                let inner = self.either()?;
                self.expect(")")?;
                Ok(Expr::Has(Box::new(inner)))
            }
            "true" | "false" => Ok(Expr::Literal(json!(token == "true"))),
            text if text.starts_with(['\'', '"']) => Ok(Expr::Literal(json!(text.trim_matches(['\'', '"'])))),
            number if number.starts_with(|letter: char| letter.is_ascii_digit()) => {
                number.parse::<i64>().map(|number| Expr::Literal(json!(number))).map_err(|error| error.to_string())
            }
            name if name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_') => Ok(Expr::Name(token)),
            other => Err(format!("unexpected {other}")),
        }
    }
}

/// The variables in scope, the innermost last.
pub(crate) type Scope<'a> = Vec<(&'a str, Value)>;

/// Asks a rule.
///
/// # Errors
/// As CEL: a missing key or a type that does not fit, unless logic made it irrelevant.
pub(crate) fn eval(expr: &Expr, scope: &Scope<'_>) -> Result<Value, String> {
    match expr {
        Expr::Literal(value) => Ok(value.clone()),
        Expr::Name(name) => scope
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
            .ok_or_else(|| format!("undeclared {name}")),
        Expr::Field(on, name) => eval(on, scope)?.get(name).cloned().ok_or_else(|| format!("no such key: {name}")),
        Expr::Has(inner) => match &**inner {
            Expr::Field(on, name) => Ok(json!(eval(on, scope)?.get(name).is_some_and(|value| !value.is_null()))),
            _ => Err("has() takes a field".to_owned()),
        },
        Expr::Not(inner) => truth(inner, scope).map(|value| json!(!value)),
        Expr::Both(left, right) => logic(left, right, scope, false),
        Expr::Either(left, right) => logic(left, right, scope, true),
        Expr::Compare(left, operator, right) => compare(&eval(left, scope)?, operator, &eval(right, scope)?),
        Expr::Call(on, name, arguments) => {
            let arguments: Vec<Value> = arguments.iter().map(|argument| eval(argument, scope)).collect::<Result<_, _>>()?;
            method(&eval(on, scope)?, name, &arguments)
        }
        Expr::Each(on, name, variable, body) => each(&eval(on, scope)?, name, variable, body, scope),
    }
}

fn truth(expr: &Expr, scope: &Scope<'_>) -> Result<bool, String> {
    eval(expr, scope)?.as_bool().ok_or_else(|| "not a boolean".to_owned())
}

/// `&&` and `||`: a side that decides hides an error on the other, whichever it is.
fn logic(left: &Expr, right: &Expr, scope: &Scope<'_>, deciding: bool) -> Result<Value, String> {
    match (truth(left, scope), truth(right, scope)) {
        (Ok(value), _) if value == deciding => Ok(json!(deciding)),
        (_, Ok(value)) if value == deciding => Ok(json!(deciding)),
        (Err(error), _) | (_, Err(error)) => Err(error),
        _ => Ok(json!(!deciding)),
    }
}

fn compare(left: &Value, operator: &str, right: &Value) -> Result<Value, String> {
    let order = match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64().partial_cmp(&right.as_f64()),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    };
    let needs_order = || order.ok_or_else(|| format!("no such overload: {left} {operator} {right}"));
    let holds = match operator {
        "==" => left == right || order == Some(Ordering::Equal),
        "!=" => left != right && order != Some(Ordering::Equal),
        "<" => needs_order()?.is_lt(),
        ">" => needs_order()?.is_gt(),
        "<=" => needs_order()?.is_le(),
        _ => needs_order()?.is_ge(),
    };
    Ok(json!(holds))
}

fn method(on: &Value, name: &str, arguments: &[Value]) -> Result<Value, String> {
    match (on, name, arguments) {
        (Value::String(text), "size", []) => Ok(json!(text.chars().count())),
        (Value::Array(items), "size", []) => Ok(json!(items.len())),
        (Value::Object(map), "size", []) => Ok(json!(map.len())),
        (Value::String(text), "startsWith", [Value::String(prefix)]) => Ok(json!(text.starts_with(prefix.as_str()))),
        _ => Err(format!("no such overload: {name}")),
    }
}

fn each(on: &Value, name: &str, variable: &str, body: &Expr, scope: &Scope<'_>) -> Result<Value, String> {
    let items = on.as_array().ok_or_else(|| format!("{name} needs a list"))?;
    let passes = |item: &Value| {
        let mut inner: Scope<'_> = scope.clone();
        inner.push((variable, item.clone()));
        truth(body, &inner)
    };
    let verdicts: Vec<bool> = items.iter().map(passes).collect::<Result<_, _>>()?;
    Ok(match name {
        "all" => json!(verdicts.iter().all(|verdict| *verdict)),
        "exists" => json!(verdicts.iter().any(|verdict| *verdict)),
        _ => items.iter().zip(&verdicts).filter(|(_, verdict)| **verdict).map(|(item, _)| item.clone()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(rule: &str, on: &Value) -> Result<Value, String> {
        eval(&parse(rule)?, &vec![("self", on.clone())])
    }

    #[test]
    fn logic_hides_errors_that_do_not_matter() {
        let empty = json!({});
        assert_eq!(ask("!has(self.a) || self.a == 'b'", &empty), Ok(json!(true)));
        assert_eq!(ask("has(self.a) && self.a == 'b'", &empty), Ok(json!(false)));
        assert_eq!(ask("true || false", &empty), Ok(json!(true)));
        assert_eq!(ask("false || true", &empty), Ok(json!(true)));
        assert_eq!(ask("true && true", &empty), Ok(json!(true)));
        assert_eq!(ask("true && false", &empty), Ok(json!(false)));
        assert_eq!(ask("self.a == 'b'", &empty), Err("no such key: a".to_owned()));
    }

    #[test]
    fn lists_are_asked_item_by_item() {
        let list = json!([{"k": 1}, {"k": 2}, {"k": 1}]);
        assert_eq!(ask("self.all(e, self.filter(f, f.k==e.k).size() == 1)", &list), Ok(json!(false)));
        assert_eq!(ask("self.exists(e, e.k > 1)", &list), Ok(json!(true)));
    }

    #[test]
    fn what_is_not_supported_is_an_error() {
        assert!(parse("self.a ? 1 : 2").is_err());
        assert!(ask("self.matches('a')", &json!("a")).is_err());
    }
}
