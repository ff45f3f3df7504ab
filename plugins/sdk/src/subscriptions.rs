//! Optional export `subscriptions`: tells when a resource changes.

use crate::bindings::subscriptions::exports::portcullis::tool::subscriptions::Guest;
use crate::{Context, Failure};

/// A plugin whose resources change: `export!(MyPlugin with resources, subscriptions)`.
pub trait Subscriptions {
    /// Runs as long as somebody is subscribed to `uri`, and calls [`crate::notifications::resource_updated`] at each change. The host
    /// ends it when the last subscriber leaves. Returning early means "ask me again later".
    ///
    /// # Errors
    /// [`Failure`], if the resource cannot be watched now.
    fn watch(ctx: &Context, uri: &str) -> Result<(), Failure>;
}

impl<T: Subscriptions> Guest for T {
    fn watch(ctx: Context, uri: String) -> Result<(), Failure> {
        <T as Subscriptions>::watch(&ctx, &uri)
    }
}

#[doc(hidden)]
pub const fn check<T: Subscriptions>() {}
