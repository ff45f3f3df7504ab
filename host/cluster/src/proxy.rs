//! Paths behind the API server's proxy: what a plugin may append to `…/proxy`. Must not send anything.
//!
//! The path is the plugin's text inside the API server's URL, so nothing in it may climb out of the proxied object. Spec: RFC 3986 §3.3, §5.2.4.

use portcullis_core::kube::KubeStatus;

use crate::path::bad;

/// Checks a path with an optional query and returns it as it is.
pub(crate) fn checked(path: &str) -> Result<&str, KubeStatus> {
    let (segments, query) = path.split_once('?').unwrap_or((path, ""));
    let Some(rest) = segments.strip_prefix('/') else { return Err(bad(format!("the proxy path {path:?} must begin with `/`"))) };
    let climbs = rest.split('/').any(|segment| matches!(decoded_dots(segment).as_str(), "." | ".."));
    let fits =
        segments.bytes().all(in_path) && query.bytes().all(|byte| in_path(byte) || byte == b'?') && escapes_are_whole(path);
    let hides = segments.to_ascii_lowercase().contains("%2f") || segments.to_ascii_lowercase().contains("%5c");
    if climbs || hides || !fits {
        return Err(bad(format!(
            "the proxy path {path:?} is not a plain path: no `.` or `..`, no `%2F`, other characters percent-encoded"
        )));
    }
    Ok(path)
}

fn decoded_dots(segment: &str) -> String {
    segment.replace("%2e", ".").replace("%2E", ".")
}

/// pchar and `/`, where `%` is checked apart.
fn in_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte)
}

fn escapes_are_whole(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::checked;

    #[test]
    fn plain_paths_and_queries_pass_unchanged() {
        for path in
            ["/", "/pg/status", "/metrics?match[]=x".replace("[]", "%5B%5D").as_str(), "/a//b", "/a.b/..c", "/?q=a/../b?c"]
        {
            assert_eq!(checked(path).unwrap(), path);
        }
    }

    #[test]
    fn a_path_cannot_climb_out_of_the_proxied_object() {
        for path in ["", "metrics", "/..", "/a/../../../secrets", "/%2e%2E/x", "/.%2e/x", "/./x", "/a%2f..%2fb", "/a%5cb"] {
            assert!(checked(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["/a b", "/a#b", "/ü", "/a\r\nHost: x", "/%", "/%4", "/%zz", "/a\\b"] {
            assert!(checked(path).is_err(), "{path:?}");
        }
    }
}
