//! Which scopes an endpoint tells clients to ask for: what the operator curated, of what the strategies have now. An empty intersection is
//! empty: it never widens to everything (design, gateway; contract 3.4).

use portcullis_core::config::{Endpoint, Listener};
use portcullis_core::snapshot::Snapshot;

/// Asks for a refresh token; not a right of the resource (RS-4).
const OFFLINE: &str = "offline_access";

/// In the operator's order, else the strategies'.
pub(crate) fn advertised(snapshot: &Snapshot, listener: &Listener, endpoint: &Endpoint) -> Vec<String> {
    let mut live: Vec<&String> = Vec::new();
    for scope in snapshot.strategies.of(&listener.name, &endpoint.guard).flat_map(|it| &it.strategy.scopes) {
        if !live.contains(&scope) {
            live.push(scope);
        }
    }
    choose(&endpoint.scopes, &live)
}

/// With nothing known of the live ones (the server does not answer yet), the curated ones stand.
fn choose(curated: &[String], live: &[&String]) -> Vec<String> {
    let fits = |scope: &&String| is_token(scope) && *scope != OFFLINE;
    match (curated.is_empty(), live.is_empty()) {
        (true, _) => live.iter().copied().filter(fits).cloned().collect(),
        (false, true) => curated.iter().filter(fits).cloned().collect(),
        (false, false) => curated.iter().filter(|scope| live.contains(scope)).filter(fits).cloned().collect(),
    }
}

/// RFC 6749 §3.3, `scope-token`.
pub(crate) fn is_token(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn curated_scopes_are_narrowed_by_live_ones_and_never_widened() {
        let list = |values: &[&str]| values.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        let chosen = |curated: &[&str], live: &[&str]| choose(&list(curated), &list(live).iter().collect::<Vec<_>>());
        assert_eq!(chosen(&["b", "gone", "a"], &["a", "b", "c"]), ["b", "a"]);
        assert_eq!(chosen(&["gone"], &["a", "b"]), [""; 0], "an empty intersection widens nothing");
        assert_eq!(chosen(&["b"], &[]), ["b"], "nothing is known of the live ones");
        for curated in [&["b"][..], &["b", "offline_access"], &[]] {
            assert_eq!(chosen(curated, &["offline_access"]), [""; 0], "how a strategy says that the server has none of them");
        }
        assert_eq!(chosen(&[], &["a", "offline_access", "b\"", "c d"]), ["a"]);
    }
}
