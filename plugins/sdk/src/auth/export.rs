//! The macro that exports a strategy.

use super::Authenticator;

/// Exports a strategy from its component: `export_authenticator!(Mine)`, or `export_authenticator!(Mine with routes)`. Natively it only
/// checks that the traits are there.
#[macro_export]
macro_rules! export_authenticator {
    ($strategy:ident) => { $crate::export_authenticator!($strategy with); };
    ($strategy:ident with $($extra:ident),* $(,)?) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::auth::export_world!($strategy with_types_in $crate::bindings::auth);
            $($crate::bindings::$extra::export_world!($strategy with_types_in $crate::bindings::$extra);)*
        };
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            $crate::auth::check::<$strategy>();
            $($crate::auth::$extra::check::<$strategy>();)*
        };
    };
}

#[doc(hidden)]
pub const fn check<T: Authenticator>() {}
