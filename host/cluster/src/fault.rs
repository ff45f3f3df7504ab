//! Why no answer came, as a status. The one place where errors of kube, hyper and TLS are translated. Must not tell the guest addresses,
//! paths or output of credential plugins: those go to the host's log.

use std::error::Error;
use std::time::Duration;

use portcullis_core::kube::KubeStatus;

use crate::plan::Plan;
use crate::status::own;

/// A request that could not be sent or was cut off.
pub(crate) fn of_request(why: &kube::Error) -> KubeStatus {
    if matches!(why, kube::Error::Auth(_)) || chain(why).any(|cause| cause.is::<kube::client::AuthError>()) {
        return no_credentials(why);
    }
    let cannot_connect =
        chain(why).filter_map(|cause| cause.downcast_ref::<hyper_util::client::legacy::Error>()).any(|cause| cause.is_connect());
    let what = if cannot_connect { "cannot connect to the API server" } else { "the connection to the API server broke" };
    unreachable(what, why)
}

/// A body that broke off.
pub(crate) fn of_body(why: &(dyn Error + 'static)) -> KubeStatus {
    unreachable("the API server's answer broke off", why)
}

/// The host has no credentials to send, or none that can be sent.
pub(crate) fn no_credentials(why: &(dyn Error + 'static)) -> KubeStatus {
    tracing::warn!(error = %spelled(why), "no credentials for the API server");
    still_no_credentials()
}

/// The same, when the log has been told already.
pub(crate) fn still_no_credentials() -> KubeStatus {
    own("NoCredentials", "the host cannot get its credentials for the API server; the host's log says why")
}

/// The time is up.
pub(crate) fn timeout(plan: &Plan, within: Duration) -> KubeStatus {
    let doubt = if plan.reads { "" } else { "; the change may have been made all the same: read before you repeat it" };
    own("Timeout", format!("the API server did not answer within {} ms{doubt}", within.as_millis()))
}

/// The body is larger than the caller takes.
pub(crate) fn too_large(max: u64) -> KubeStatus {
    own("TooLarge", format!("the answer is larger than {max} bytes: ask for less, with `limit`, selectors or the metadata form"))
}

/// An answer that is no answer of the Kubernetes API.
pub(crate) fn bad_reply(why: impl std::fmt::Display) -> KubeStatus {
    own("BadReply", format!("the API server's answer cannot be used: {why}"))
}

fn unreachable(what: &str, why: &(dyn Error + 'static)) -> KubeStatus {
    let root = chain(why).last().map(ToString::to_string).unwrap_or_default();
    own("Unreachable", format!("{what}: {root}"))
}

fn chain<'a>(why: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(why), |cause: &&'a (dyn Error + 'static)| Error::source(*cause))
}

/// An error with its causes, for the log.
pub(crate) fn spelled(why: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = chain(why).map(ToString::to_string).collect();
    words.dedup_by(|cause, outer| outer.contains(cause.as_str()));
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::{of_body, of_request, spelled, timeout};
    use crate::plan::Plan;
    use std::time::Duration;

    #[test]
    fn only_a_write_that_timed_out_is_in_doubt() {
        let write = Plan { reads: false, ..Plan::version() };
        assert!(timeout(&write, Duration::from_secs(5)).message.contains("may have been made"));
        assert_eq!(
            timeout(&Plan::version(), Duration::from_millis(1500)).message,
            "the API server did not answer within 1500 ms"
        );
    }

    #[test]
    fn missing_credentials_do_not_tell_the_guest_where_they_should_be() {
        let missing = kube::client::AuthError::ReadTokenFile(std::io::Error::other("gone"), "/secret/place".into());
        let status = of_request(&kube::Error::Auth(missing));
        assert_eq!(status.reason, "NoCredentials");
        assert!(!status.message.contains("/secret/place"), "{}", status.message);
        let wrapped = kube::client::AuthError::AuthExec("token abc".into());
        assert_eq!(of_request(&kube::Error::Service(wrapped.into())).reason, "NoCredentials");
    }

    #[test]
    fn a_break_names_its_innermost_cause() {
        let inner = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "reset");
        assert!(of_body(&inner).message.ends_with("broke off: reset"));
        assert_eq!(spelled(&kube::Error::Service(inner.into())), "ServiceError: reset");
    }
}
