//! The trait that every strategy implements.

use super::{Attempt, Fault, Site, Strategy, Verdict};
use crate::bindings::auth::exports::portcullis::auth::authentication::Guest;

/// An auth strategy. Each call runs in a fresh instance.
pub trait Authenticator {
    /// What the strategy says of itself for a site: asked at load and every few minutes. It has 2 s and must not fail for want of a network.
    fn describe(site: Site) -> Strategy;

    /// Judges one credential: [`Identity`](super::Identity) and [`Rejection`](super::Rejection) convert into a verdict.
    ///
    /// # Errors
    /// [`Fault`] when it cannot judge now: the caller is refused with 503.
    fn authenticate(attempt: Attempt) -> Result<Verdict, Fault>;
}

impl<T: Authenticator> Guest for T {
    fn describe(site: Site) -> Strategy {
        <T as Authenticator>::describe(site)
    }

    fn authenticate(attempt: Attempt) -> Result<Verdict, Fault> {
        <T as Authenticator>::authenticate(attempt)
    }
}
