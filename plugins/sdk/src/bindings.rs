//! What wit-bindgen generates from `wit/`: one module per world, sharing one set of types. Nothing is written by hand here;
//! the layer for authors is in the other modules, as inherent methods on these same types.
#![allow(missing_docs, clippy::all, unused_qualifications, unreachable_pub, reason = "generated code")]

/// World `tool`: the nouns, the imports and the export `tools`.
pub mod tool {
    wit_bindgen::generate!({
        path: ["../../wit/portcullis-kubernetes/0.1", "../../wit/portcullis-tool/0.1"],
        world: "portcullis:tool/tool",
        pub_export_macro: true,
        export_macro_name: "export_world",
        additional_derives: [PartialEq],
        generate_all,
    });
}

/// World `with-prompts`.
pub mod prompts {
    wit_bindgen::generate!({
        path: ["../../wit/portcullis-kubernetes/0.1", "../../wit/portcullis-tool/0.1"],
        world: "portcullis:tool/with-prompts",
        pub_export_macro: true,
        export_macro_name: "export_world",
        additional_derives: [PartialEq],
        with: { "portcullis:tool/types@0.1.0": super::tool::portcullis::tool::types },
    });
}

/// World `with-resources`.
pub mod resources {
    wit_bindgen::generate!({
        path: ["../../wit/portcullis-kubernetes/0.1", "../../wit/portcullis-tool/0.1"],
        world: "portcullis:tool/with-resources",
        pub_export_macro: true,
        export_macro_name: "export_world",
        additional_derives: [PartialEq],
        with: { "portcullis:tool/types@0.1.0": super::tool::portcullis::tool::types },
    });
}

/// World `with-subscriptions`.
pub mod subscriptions {
    wit_bindgen::generate!({
        path: ["../../wit/portcullis-kubernetes/0.1", "../../wit/portcullis-tool/0.1"],
        world: "portcullis:tool/with-subscriptions",
        pub_export_macro: true,
        export_macro_name: "export_world",
        additional_derives: [PartialEq],
        with: { "portcullis:tool/types@0.1.0": super::tool::portcullis::tool::types },
    });
}

/// World `with-completions`.
pub mod completions {
    wit_bindgen::generate!({
        path: ["../../wit/portcullis-kubernetes/0.1", "../../wit/portcullis-tool/0.1"],
        world: "portcullis:tool/with-completions",
        pub_export_macro: true,
        export_macro_name: "export_world",
        additional_derives: [PartialEq],
        with: { "portcullis:tool/types@0.1.0": super::tool::portcullis::tool::types },
    });
}

/// World `authenticator`: the nouns, the imports and the export `authentication`. It shares `log` and `config` with world `tool`.
pub mod auth {
    wit_bindgen::generate!({
        path: ["../../wit/portcullis-kubernetes/0.1", "../../wit/portcullis-tool/0.1", "../../wit/portcullis-auth/0.1"],
        world: "portcullis:auth/authenticator",
        pub_export_macro: true,
        export_macro_name: "export_world",
        additional_derives: [PartialEq],
        with: {
            "portcullis:tool/log@0.1.0": super::tool::portcullis::tool::log,
            "portcullis:tool/config@0.1.0": super::tool::portcullis::tool::config,
        },
        generate_all,
    });
}

/// World `with-routes`.
pub mod routes {
    wit_bindgen::generate!({
        path: ["../../wit/portcullis-kubernetes/0.1", "../../wit/portcullis-tool/0.1", "../../wit/portcullis-auth/0.1"],
        world: "portcullis:auth/with-routes",
        pub_export_macro: true,
        export_macro_name: "export_world",
        additional_derives: [PartialEq],
        with: { "portcullis:auth/types@0.1.0": super::auth::portcullis::auth::types },
    });
}
