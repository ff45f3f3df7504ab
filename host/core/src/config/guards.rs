//! How endpoints know their callers: strategies that exist, somebody whom they know, and nobody unknown beyond this machine.

use std::net::SocketAddr;

use super::path::KeyPath;
use super::raw::RawGuard;
use super::report::Report;
use super::suggest::nearest;
use super::{Guard, StrategyRef};

/// The YAML of a token, for hints.
const TOKENS: &str =
    "  tokens:\n    - name: me\n      sha256: \"…\"      # printf %s \"$TOKEN\" | sha256sum\n      tools: [\"*\"]";

/// Most strategies of one endpoint: each one that is asked costs an instance.
const STRATEGIES_MAX: usize = 8;

/// Words that are not plugins.
const WORDS: [&str; 3] = ["auto", "tokens", "none"];

/// Whether there is anybody whom an endpoint could know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tokens {
    /// There is.
    Some,
    /// The file has none, and nothing that serves asks for any.
    Never,
    /// The file has none any more. Taking the last one away must work at once, and must not open what it guarded.
    Gone,
}

/// What guards are resolved in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// Tokens of the file.
    pub(crate) tokens: Tokens,
    /// Names under `plugins`.
    pub(crate) plugins: &'a [&'a str],
    /// Scopes in place of an endpoint's own.
    pub(crate) scopes: Option<&'a [String]>,
}

impl Known<'_> {
    /// Of an endpoint that says nothing.
    pub(crate) fn default_guard(self) -> Guard {
        if self.tokens == Tokens::Never { Guard::None } else { Guard::tokens() }
    }
}

/// Resolves one.
pub(crate) fn resolve(raw: &RawGuard, path: &KeyPath, known: Known<'_>, report: &mut Report<'_>) -> Guard {
    let words: Vec<&str> = match raw {
        RawGuard::Word(word) => match word.as_str() {
            "auto" => return known.default_guard(),
            "none" => return Guard::None,
            word => vec![word],
        },
        RawGuard::Chain(words) => words.iter().map(String::as_str).collect(),
    };
    if words.is_empty() || words.len() > STRATEGIES_MAX {
        report.error(path, format!("names {} strategies, but must name 1 to {STRATEGIES_MAX}", words.len()));
    }
    let mut chain = Vec::new();
    for (index, &word) in words.iter().enumerate() {
        let here = if matches!(raw, RawGuard::Word(_)) { path.clone() } else { path.index(index) };
        let Some(next) = strategy(word, &here, known, report) else { continue };
        if chain.contains(&next) {
            report.error(&here, format!("`{word}` is asked twice"));
        }
        chain.push(next);
    }
    Guard::Strategies(chain)
}

fn strategy(word: &str, path: &KeyPath, known: Known<'_>, report: &mut Report<'_>) -> Option<StrategyRef> {
    if word == "tokens" {
        return Some(StrategyRef::Tokens);
    }
    if known.plugins.contains(&word) {
        return Some(StrategyRef::Plugin(word.to_owned()));
    }
    let all = || WORDS.into_iter().chain(known.plugins.iter().copied());
    let hint = nearest(word, all()).map_or_else(
        || {
            format!(
                "`tokens`, or the name of an auth strategy under `plugins`; known here: {}",
                all().collect::<Vec<_>>().join(", ")
            )
        },
        |meant| format!("did you mean `{meant}`?"),
    );
    report.hinted(path, format!("`{word}` is no auth strategy here"), Some(hint));
    None
}

/// Whether the guard keeps anybody out, and lets somebody in.
pub(crate) fn check(guard: &Guard, address: SocketAddr, tokens: Tokens, path: &KeyPath, report: &mut Report<'_>) {
    if *guard == Guard::None && !address.ip().is_loopback() {
        let fix = format!(
            "guard the endpoint:\n    guard: tokens\n{TOKENS}\nor listen on this machine only:\n    address: 127.0.0.1:{}",
            address.port()
        );
        let message = format!("nobody is asked who they are on {address}, which others can reach: every tool would be theirs");
        report.hinted(path, message, Some(fix));
    }
    match tokens {
        // Another strategy may know callers.
        _ if *guard != Guard::tokens() => {}
        Tokens::Some => {}
        Tokens::Never => {
            report.hinted(path, "asks for tokens, but there are none: nobody could call".to_owned(), Some(TOKENS.to_owned()));
        }
        // No error: that would keep the last good configuration, and with it the token that was taken away.
        Tokens::Gone => {
            let message = "the last token is gone: nobody can call, and the endpoint stays guarded".to_owned();
            let hint = format!("add a token:\n{TOKENS}\nor, on a loopback address, ask nobody who they are:\n    guard: none");
            report.warning(path, message, hint);
        }
    }
}

/// What opens an endpoint to other hosts although nobody is asked.
pub(crate) fn opened(path: &KeyPath, report: &mut Report<'_>) {
    let message = "nobody is asked who they are, yet `allowedHosts` or `publicUrl` lets requests from elsewhere in".to_owned();
    let hint =
        format!("guard the endpoint:\n    guard: tokens\n{TOKENS}\nor remove `allowedHosts` and `publicUrl` of this listener");
    report.hinted(path, message, Some(hint));
}
