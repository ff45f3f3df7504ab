//! Kubesim, an in-process stand-in for the Kubernetes API server, with a small CloudNativePG operator, planned
//! failures and a request log; and a starter for a real API server, so that one suite runs against both.
//! Must not know Portcullis. What it imitates, and where it stops, is said in each module.
//!
//! Where it stops as a whole: built-in kinds are stored as they come (no schema, lists are atomic for apply), one
//! version per CRD, no strategic merge patch, no OpenAPI documents, no exec or port-forward, no quotas, no admission
//! beyond CNPG's own rules. Lists and watches are always of the latest revision, or of the one they continue from.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::RwLock;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

mod admission;
mod auth;
mod call;
mod cel;
pub mod client;
mod definition;
mod delete;
mod denied;
mod discovery;
mod error;
mod faults;
mod fields;
mod inside;
mod journal;
mod jsonpath;
mod kind;
mod kubeconfig;
mod list;
mod names;
mod negotiate;
mod object;
mod operator;
mod ownership;
mod patch;
mod pods;
pub mod real;
mod reply;
mod review;
mod route;
mod rules;
mod scale;
mod schema;
mod seed;
mod selector;
mod server;
mod store;
mod table;
mod watch;
mod write;

pub use auth::{Rule, User};
pub use faults::{Fault, Faults, Matcher};
pub use inside::Refused;
pub use journal::Recorded;

use auth::Directory;
use server::Shared;
use store::Store;

/// How to start a [`Kubesim`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Port on 127.0.0.1; 0, the default, takes a free one.
    pub port: u16,
    /// Known users. With none, the default, every caller is an administrator.
    pub users: Vec<User>,
    /// Rules bound to groups, for callers who are impersonated.
    pub groups: Vec<(String, Vec<Rule>)>,
    /// Namespaces beside `default`, `kube-system` and `cnpg-system`.
    pub namespaces: Vec<String>,
    /// Time between two steps of the operator (default 50 ms: visible, and short for a test); `None` switches it off.
    pub operator_step: Option<Duration>,
    /// Changes that a watch can go back (count, default 1000); what is older is 410 Gone.
    pub watch_window: usize,
    /// Time between two bookmarks (default 1 s, where the real server takes a minute: tests should see one).
    pub bookmark_every: Duration,
    /// Clusters, roles and databases to look at.
    pub demo: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            users: Vec::new(),
            groups: Vec::new(),
            namespaces: Vec::new(),
            operator_step: Some(Duration::from_millis(50)),
            watch_window: 1_000,
            bookmark_every: Duration::from_secs(1),
            demo: false,
        }
    }
}

/// A running stand-in. It has its own thread, so that it serves blocking and async tests alike, and stops when dropped.
#[derive(Debug)]
pub struct Kubesim {
    shared: Arc<Shared>,
    url: String,
    thread: Option<JoinHandle<()>>,
}

impl Kubesim {
    /// Starts one on 127.0.0.1.
    ///
    /// # Errors
    /// If the port is taken, or the runtime or the embedded CRDs cannot be made.
    pub fn start(options: Options) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", options.port))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let directory = Directory { users: options.users.clone(), groups: options.groups.clone() };
        let shared = Arc::new(Shared {
            store: Store::new(options.watch_window),
            directory: RwLock::new(directory),
            faults: Faults::default(),
            journal: journal::Journal::default(),
            answers: pods::Answers::default(),
            options,
            stop: CancellationToken::new(),
        });
        seed::foundations(&shared).map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let running = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("kubesim".to_owned()).spawn(move || {
            runtime.block_on(run(running, listener));
            runtime.shutdown_background();
        })?;
        Ok(Self { shared, url, thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A kubeconfig for a user that this server knows (any name if it knows none), in namespace `default`.
    pub fn kubeconfig_yaml(&self, user: &str) -> String {
        let directory = self.shared.directory.read();
        let token = directory.users.iter().find(|known| known.name == user).map_or("", |known| known.token.as_str());
        kubeconfig::yaml(&self.url, None, user, token)
    }

    /// Adds a user, or replaces the one of that name. The first one ends the time when every caller was an administrator.
    pub fn set_user(&self, user: User) {
        let mut directory = self.shared.directory.write();
        directory.users.retain(|known| known.name != user.name);
        directory.users.push(user);
    }

    /// Failures to come.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.journal.all()
    }

    /// Every request since the last time this was asked.
    pub fn take_requests(&self) -> Vec<Recorded> {
        self.shared.journal.take()
    }

    /// Creates an object, past authorization, faults and the log of requests.
    ///
    /// # Errors
    /// What the API would answer.
    pub fn create(&self, object: &Value) -> Result<Value, Refused> {
        self.shared.create(object)
    }

    /// Reads an object by kind, past authorization, faults and the log of requests.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        self.shared.get(kind, namespace, name)
    }

    /// Merges a patch into an object by kind, or into its `status`, as a test that plays the operator does.
    ///
    /// # Errors
    /// What the API would answer.
    pub fn patch(&self, kind: &str, namespace: &str, name: &str, subresource: &str, patch: &Value) -> Result<Value, Refused> {
        self.shared.patch(kind, namespace, name, subresource, patch)
    }

    /// Deletes an object by kind.
    ///
    /// # Errors
    /// What the API would answer.
    pub fn delete(&self, kind: &str, namespace: &str, name: &str) -> Result<(), Refused> {
        self.shared.delete(kind, namespace, name)
    }

    /// Serves a CustomResourceDefinition no longer, as an older operator would: its objects go too.
    ///
    /// # Errors
    /// If there is no such CRD.
    pub fn remove_crd(&self, name: &str) -> Result<(), Refused> {
        self.delete("CustomResourceDefinition", "", name)
    }

    /// Forgets history: watches from an older revision and older continue tokens are 410 from now on.
    pub fn compact(&self) {
        self.shared.store.with(store::State::compact);
    }

    /// Gives a pod a log.
    pub fn set_pod_log(&self, namespace: &str, pod: &str, text: &str) {
        self.shared.answers.set_log(namespace, pod, text);
    }

    /// Answers a proxied GET: the path is `NAMESPACE/pods/https:POD:PORT/PATH` (or `services`).
    pub fn set_proxied(&self, path: &str, code: u16, body: &Value) {
        self.shared.answers.set_proxied(path, code, &body.to_string());
    }

    /// Stops serving and closes every connection.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic over there has been printed; there is nobody to pass it to in a drop.
            let _ = thread.join();
        }
    }
}

/// Serves and operates until it is stopped.
async fn run(shared: Arc<Shared>, listener: std::net::TcpListener) {
    // It fails only outside a runtime.
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let operator = tokio::spawn(operator::run(Arc::clone(&shared)));
    server::serve(shared, listener).await;
    operator.abort();
}

impl Drop for Kubesim {
    fn drop(&mut self) {
        self.end();
    }
}

/// A Cluster with these many instances of 1 Gi, as the shortest valid example.
pub fn example_cluster(namespace: &str, name: &str, instances: u32) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": name, "namespace": namespace},
        "spec": {"instances": instances, "storage": {"size": "1Gi"}},
    })
}
