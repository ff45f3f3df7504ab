//! The shipped layout with a real provider: listener `main` with `/mcp` for the host's own tokens and people who log in through oauth-proxy,
//! listener `test` with `/test` for the provider's access tokens. Everything that is secret has a value that a test can look for.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "part of tests, which fail by panicking"
)]

use serde_json::{Value, json};

use crate::application::App;
use crate::components::target;
use crate::guest;
use crate::host::{Host, Installation};
use crate::idp::{CLIENT_SECRET, INTROSPECTION_SECRET, Idp, free_port};

/// The master key.
pub const MASTER: &str = "a-master-key-of-a-test-that-must-not-leak-0123456789";

const PACKAGES: [(&str, &str); 2] = [("portcullis-oauth-proxy", "plugins/oauth-proxy"), ("portcullis-oidc", "plugins/oidc")];

/// A provider, a place for a host, and the configuration between them.
#[derive(Debug)]
pub struct Plan {
    /// The provider.
    pub idp: Idp,
    /// The folder.
    pub installation: Installation,
    /// What will be its `portcullis.yaml`.
    pub config: Value,
    /// Origin of listener `main`, which is the proxy's issuer.
    pub main: String,
    /// Origin of listener `test`.
    pub test: String,
}

/// The same, running.
#[derive(Debug)]
pub struct Rig {
    /// The provider.
    pub idp: Idp,
    /// The host.
    pub host: Host,
    /// As [`Plan::main`].
    pub main: String,
    /// As [`Plan::test`].
    pub test: String,
}

impl Plan {
    /// `None`: there is no npm here, and the test is skipped.
    #[must_use]
    pub fn new() -> Option<Self> {
        let (main, test) = (free_port().unwrap(), free_port().unwrap());
        let origin = |port| format!("http://127.0.0.1:{port}");
        let idp = idp(&origin(main))?;
        let config = config(&idp, main, test);
        let mut plan = Self { idp, installation: installation(), config, main: origin(main), test: origin(test) };
        for (name, value) in [("provider", CLIENT_SECRET), ("introspection", INTROSPECTION_SECRET), ("master", MASTER)] {
            plan.secret(name, value);
        }
        Some(plan)
    }

    /// Adds a secret of the operator's.
    pub fn secret(&mut self, name: &str, value: &str) {
        std::fs::write(self.installation.path().join(name), value).unwrap();
        self.config["secrets"][name] = json!({"file": name});
    }

    /// Starts another host of this configuration, which believes to be `main`, and is at the address that comes with it.
    #[must_use]
    pub fn replica(&self) -> (Host, String) {
        let (installation, mut config) = (installation(), self.config.clone());
        for name in config["secrets"].as_object().unwrap().keys() {
            std::fs::copy(self.installation.path().join(name), installation.path().join(name)).unwrap();
        }
        let address = format!("127.0.0.1:{}", free_port().unwrap());
        let mut listener = config["listeners"][0].clone();
        listener["address"] = json!(address);
        listener["publicUrl"] = json!(self.main);
        config["listeners"] = json!([listener]);
        installation.configure(&config).unwrap();
        (start(installation, "info"), format!("http://{address}"))
    }

    /// Changes a setting of one strategy.
    #[must_use]
    pub fn with(mut self, plugin: &str, setting: &str, value: Value) -> Self {
        self.config["plugins"][plugin]["settings"][setting] = value;
        self
    }

    /// Starts the host.
    #[must_use]
    pub fn serve(self) -> Rig {
        self.serve_logging("info")
    }

    /// The same, logging this.
    #[must_use]
    pub fn serve_logging(self, filter: &str) -> Rig {
        let Self { idp, installation, config, main, test } = self;
        installation.configure(&config).unwrap();
        Rig { idp, host: start(installation, filter), main, test }
    }
}

impl Rig {
    /// As configured; `None`: skipped.
    #[must_use]
    pub fn start() -> Option<Self> {
        Plan::new().map(Plan::serve)
    }

    /// The endpoint of the proxy.
    #[must_use]
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.main)
    }

    /// The endpoint of the provider's own tokens.
    #[must_use]
    pub fn direct(&self) -> String {
        format!("{}/test", self.test)
    }

    /// An application that knows where to log in.
    #[must_use]
    pub fn app(&self) -> App {
        App::register(&self.main)
    }
}

/// Tokens of the provider itself for a resource, as its client `app` gets them.
#[must_use]
pub fn provider_tokens(idp: &Idp, person: &str, resource: &str) -> Value {
    let (authorize, token) = (format!("{}/auth", idp.issuer()), format!("{}/token", idp.issuer()));
    App { authorize, token, id: "app".to_owned() }.log_in(person, resource, "openid profile read")
}

/// Both strategies and a tool plugin.
fn installation() -> Installation {
    let installation = Installation::new(&PACKAGES, None).unwrap();
    std::fs::copy(guest!("scoped").unwrap(), installation.path().join("plugins/scoped.wasm")).unwrap();
    installation
}

/// Keeps its state in its own folder.
fn start(installation: Installation, filter: &str) -> Host {
    let state = installation.path().to_str().unwrap().to_owned();
    installation.serve_with(&[("PORTCULLIS_LOG", filter), ("XDG_STATE_HOME", state.as_str())]).unwrap()
}

fn idp(main: &str) -> Option<Idp> {
    let idp = Idp::start(&format!("{main}/auth/callback")).unwrap();
    if idp.is_none() {
        eprintln!(
            "skipped: the real provider needs npm (install Node.js), then run `cargo test --package portcullis-tests auth`"
        );
    }
    idp
}

fn config(idp: &Idp, main: u16, test: u16) -> Value {
    let issuer = idp.issuer();
    let rule = |user: &str, secret: &str| json!({"scheme": "http", "host": "127.0.0.1", "ports": [idp.port()], "methods": ["POST"], "private": true, "inject": {"secret": secret, "user": user}});
    let issuers = json!({"issuers": [issuer], "private": true});
    json!({
        "listeners": [
            {"name": "main", "address": format!("127.0.0.1:{main}"), "endpoints": [{"path": "/mcp", "guard": ["tokens", "oauth-proxy"], "scopes": ["read", "write"]}]},
            {"name": "test", "address": format!("127.0.0.1:{test}"), "endpoints": [{"path": "/test", "guard": "oidc", "scopes": ["read"], "audiences": ["app"]}]},
        ],
        "secrets": {},
        "keys": [{"id": "one", "secret": "master"}],
        "rings": {"oauth-proxy": {"algorithm": "HS256"}},
        "store": {"path": "portcullis.db"},
        "access": [
            {"name": "everybody", "tools": ["*"]},
        ],
        "audit": {"path": "audit.jsonl"},
        "pluginDirectory": "plugins",
        // Of all these tests: compiling the strategies takes longer than a login.
        "cacheDirectory": target().join("compiled"),
        "plugins": {
            "scoped": {},
            "oauth-proxy": {
                "grants": {
                    "log": true, "config": true, "clocks": true, "random": true, "keyvalue": true, "secrets": {"names": []},
                    "jwt": {"issuers": [issuer], "rings": ["oauth-proxy"], "private": true},
                    "discovery": issuers,
                    "http": {"rules": [rule("portcullis", "provider")]},
                },
                "settings": {
                    "upstream": {"issuer": issuer, "clientId": "portcullis", "authorizeParameters": {"prompt": "consent"}},
                    "scopes": ["read", "write", "admin"],
                },
            },
            "oidc": {
                "grants": {
                    "log": true, "config": true, "clocks": true,
                    "jwt": {"issuers": [issuer], "private": true},
                    "discovery": issuers,
                    "http": {"rules": [rule("resource-server", "introspection")]},
                },
                "settings": {"issuers": [{"issuer": issuer, "introspection": {"endpoint": format!("{issuer}/token/introspection"), "keepSeconds": 1}}], "leewaySeconds": 0},
            },
        },
    })
}
