//! The trait that every plugin implements, and the macro that exports it.

use crate::{Context, Failure, Guest, Outcome, Tool};

/// A tool plugin. Each call runs in a fresh instance: there is no state to keep between calls, and nothing to clean up.
pub trait Plugin {
    /// The tools on offer. Called at load and after [`crate::notifications::list_changed`]; a panic at load refuses the plugin.
    fn tools() -> Vec<Tool>;

    /// One call. `arguments` is a JSON object that matches the tool's input schema: the host checked. See [`crate::arguments`].
    ///
    /// # Errors
    /// [`Failure`] when the call did not run to an output. What went wrong in the world outside (not found, refused, timed out) is
    /// better said with [`crate::Output::error`]: the model reads that and can act upon it.
    fn call(ctx: &Context, name: &str, arguments: &str) -> Result<Outcome, Failure>;
}

impl<T: Plugin> Guest for T {
    fn list() -> Vec<Tool> {
        T::tools()
    }

    fn call(ctx: Context, name: String, arguments: String) -> Result<Outcome, Failure> {
        <T as Plugin>::call(&ctx, &name, &arguments)
    }
}

/// Exports a plugin from its component: `export!(MyPlugin)`, or `export!(MyPlugin with prompts, resources)` with any of `prompts`,
/// `resources`, `subscriptions` and `completions`. Natively it only checks that the traits are there.
#[macro_export]
macro_rules! export {
    ($plugin:ident) => { $crate::export!($plugin with); };
    ($plugin:ident with $($extra:ident),* $(,)?) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::bindings::tool::export_world!($plugin with_types_in $crate::bindings::tool);
            $($crate::bindings::$extra::export_world!($plugin with_types_in $crate::bindings::$extra);)*
        };
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn is_plugin<T: $crate::Plugin>() {}
            is_plugin::<$plugin>();
            $($crate::$extra::check::<$plugin>();)*
        };
    };
}
