//! Whether a refused request may be sent again, and when. Must not wait itself.
//!
//! Kubernetes API Conventions, "Error codes": 429 means that the server took nothing on and that the client should "read the Retry-After HTTP
//! header from the response, and wait at least that long before retrying". Only idempotent methods are repeated by the host (RFC 9110
//! §9.2.2): POST and PATCH are not, and whether to repeat a create or a patch is the caller's to decide, who is told when. A 503 says less: a
//! proxy may send it after the server has acted, and a DELETE that is sent again would then say 404; so only what changes nothing is.
//! Retry-After: RFC 9110 §10.2.3.

use std::time::Duration;

use portcullis_core::kube::KubeStatus;

use crate::plan::Plan;

/// Most repetitions of one request (count, default 3): a server that refuses four times is not helped by a fifth.
pub(crate) const MOST: u32 = 3;

/// How long to wait before the request is sent again; `None`: the refusal is the answer. `left` is what remains of the request's time.
pub(crate) fn wait(status: &KubeStatus, plan: &Plan, done: u32, left: Duration) -> Option<Duration> {
    let repeatable = match status.code {
        429 => plan.is_idempotent(),
        503 => plan.reads,
        _ => false,
    };
    status.retry_after.filter(|wait| repeatable && done < MOST && *wait < left)
}

#[cfg(test)]
mod tests {
    use super::{MOST, wait};
    use crate::plan::Plan;
    use http::Method;
    use portcullis_core::kube::KubeStatus;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(10);

    fn refused(code: u16, seconds: Option<u64>) -> KubeStatus {
        KubeStatus { code, retry_after: seconds.map(Duration::from_secs), ..KubeStatus::default() }
    }

    fn reads() -> Plan {
        Plan::version()
    }

    fn writes(method: Method) -> Plan {
        Plan { method, reads: false, ..Plan::version() }
    }

    #[test]
    fn too_many_requests_is_repeated_for_idempotent_methods_only() {
        assert_eq!(wait(&refused(429, Some(1)), &reads(), 0, LONG), Some(Duration::from_secs(1)));
        for method in [Method::DELETE, Method::PUT] {
            assert_eq!(wait(&refused(429, Some(0)), &writes(method), 0, LONG), Some(Duration::ZERO));
        }
        for method in [Method::POST, Method::PATCH] {
            assert_eq!(wait(&refused(429, Some(0)), &writes(method.clone()), 0, LONG), None, "{method}");
        }
    }

    #[test]
    fn unavailable_is_repeated_only_for_reads() {
        assert!(wait(&refused(503, Some(1)), &reads(), 0, LONG).is_some());
        assert!(wait(&refused(503, Some(1)), &writes(Method::DELETE), 0, LONG).is_none());
    }

    #[test]
    fn nothing_is_repeated_unless_the_server_says_when() {
        assert!(wait(&refused(429, None), &reads(), 0, LONG).is_none());
        for code in [0, 401, 403, 404, 409, 422, 500, 502, 504] {
            assert!(wait(&refused(code, Some(1)), &reads(), 0, LONG).is_none(), "{code}");
        }
    }

    #[test]
    fn repetition_ends_with_the_time_and_the_count() {
        assert!(wait(&refused(429, Some(10)), &reads(), 0, LONG).is_none());
        assert!(wait(&refused(429, Some(1)), &reads(), MOST, LONG).is_none());
    }
}
