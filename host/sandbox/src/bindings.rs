//! What `bindgen!` makes of the WIT packages under `wit/`: the track 0.1 of `portcullis:tool`, `portcullis:auth` and `portcullis:kubernetes`. Nothing else lives
//! here; conversions to core's nouns are in `convert.rs`, implementations of the imports in `capabilities/`.
//!
//! Exports that a plugin may leave out are worlds of their own, so that each can be probed for without the others.

/// World `tool`: all imports, and the export that every plugin has.
pub(crate) mod tool {
    wasmtime::component::bindgen!({
        path: ["../../wit/portcullis-kubernetes/0.1", "../../wit/portcullis-tool/0.1"],
        world: "portcullis:tool/tool",
        imports: {
            "portcullis:kubernetes/api": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: { "portcullis:kubernetes/api.watcher": crate::capabilities::kubernetes::Watcher },
        require_store_data_send: true,
    });
}

/// World `authenticator`: the imports of strategies, and the export that every strategy has.
pub(crate) mod auth {
    wasmtime::component::bindgen!({
        path: ["../../wit/portcullis-kubernetes/0.1", "../../wit/portcullis-tool/0.1", "../../wit/portcullis-auth/0.1"],
        world: "portcullis:auth/authenticator",
        imports: {
            "portcullis:auth/jwt.verify": async | trappable,
            "portcullis:auth/discovery": async | trappable,
            "portcullis:auth/keyvalue": async | trappable,
            "portcullis:auth/revocation": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: {
            "portcullis:tool/log": crate::bindings::tool::portcullis::tool::log,
            "portcullis:tool/config": crate::bindings::tool::portcullis::tool::config,
        },
        require_store_data_send: true,
    });
}

/// World `with-routes`.
pub(crate) mod routes {
    wasmtime::component::bindgen!({
        path: ["../../wit/portcullis-kubernetes/0.1", "../../wit/portcullis-tool/0.1", "../../wit/portcullis-auth/0.1"],
        world: "portcullis:auth/with-routes",
        exports: { default: async },
        with: { "portcullis:auth/types": crate::bindings::auth::portcullis::auth::types },
        require_store_data_send: true,
    });
}

/// The optional exports; they share the types of world `tool`.
macro_rules! optional {
    ($($module:ident $world:literal),*) => {$(
        pub(crate) mod $module {
            wasmtime::component::bindgen!({
                path: ["../../wit/portcullis-kubernetes/0.1", "../../wit/portcullis-tool/0.1"],
                world: $world,
                exports: { default: async },
                with: { "portcullis:tool/types": crate::bindings::tool::portcullis::tool::types },
                require_store_data_send: true,
            });
        }
    )*};
}

optional!(
    prompts "portcullis:tool/with-prompts",
    resources "portcullis:tool/with-resources",
    subscriptions "portcullis:tool/with-subscriptions",
    completions "portcullis:tool/with-completions"
);

pub(crate) use self::auth::exports::portcullis::auth::authentication;
pub(crate) use self::auth::portcullis::auth::{discovery, jwt, keyvalue, revocation, secrets, types as strategy};
pub(crate) use self::completions::exports::portcullis::tool::completions as completion;
pub(crate) use self::prompts::exports::portcullis::tool::prompts as prompt;
pub(crate) use self::resources::exports::portcullis::tool::resources as resource;
pub(crate) use self::routes::exports::portcullis::auth::routes as route;
pub(crate) use self::subscriptions::exports::portcullis::tool::subscriptions as subscription;
pub(crate) use self::tool::exports::portcullis::tool::tools;
pub(crate) use self::tool::portcullis::kubernetes::api as kubernetes;
pub(crate) use self::tool::portcullis::tool::{config, log, notifications, offers, progress, types};
