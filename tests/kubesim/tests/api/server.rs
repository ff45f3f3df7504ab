//! A server under test, whichever it is: a client, users with chosen rights, a namespace of its own per case.
//! Must not assert anything beyond what it needs itself.

use std::sync::Arc;
use std::time::Duration;

use kubesim::client::{Answer, Client};
use kubesim::real::RealApiServer;
use kubesim::{Kubesim, Options, Rule, User};
use serde_json::{Value, json};
use tokio::sync::Mutex;

enum Backend {
    Sim(Kubesim, usize),
    Real(Box<RealApiServer>),
}

/// A server, and the namespace that a case works in.
#[derive(Clone)]
pub(crate) struct Server {
    backend: Arc<Mutex<Backend>>,
    pub(crate) admin: Client,
    pub(crate) namespace: String,
}

pub(crate) const MERGE: (&str, &str) = ("content-type", "application/merge-patch+json");
pub(crate) const JSON_PATCH: (&str, &str) = ("content-type", "application/json-patch+json");
pub(crate) const APPLY: (&str, &str) = ("content-type", "application/apply-patch+yaml");

impl Server {
    pub(crate) fn stand_in() -> Self {
        let admin =
            User { name: "admin".into(), token: "admin-token".into(), groups: vec!["system:masters".into()], rules: Vec::new() };
        let options = Options { users: vec![admin], operator_step: None, ..Options::default() };
        let sim = Kubesim::start(options).unwrap();
        let admin = Client::new(sim.url(), "admin-token", None).unwrap();
        Self { backend: Arc::new(Mutex::new(Backend::Sim(sim, 0))), admin, namespace: "default".into() }
    }

    pub(crate) async fn real() -> Option<Self> {
        let real = RealApiServer::start().await.unwrap_or_else(|error| panic!("{error}"))?;
        let admin = real.admin().clone();
        Some(Self { backend: Arc::new(Mutex::new(Backend::Real(Box::new(real)))), admin, namespace: "default".into() })
    }

    /// The same server, with a fresh namespace.
    pub(crate) async fn with_namespace(&self, case: &str) -> Self {
        let tail = case.rsplit(' ').next().unwrap_or(case).rsplit(':').next().unwrap_or(case);
        let namespace: String = tail.replace('_', "-").chars().take(60).collect::<String>().trim_matches('-').to_owned();
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        let answer = self.admin.send("POST", "/api/v1/namespaces", &[], Some(&body)).await.unwrap();
        assert!(matches!(answer.code, 201 | 409), "{}", answer.text);
        Self { namespace, ..self.clone() }
    }

    /// A client with exactly these rights, and its user name.
    pub(crate) async fn user(&self, rules: &[Rule]) -> (String, Client) {
        match &mut *self.backend.lock().await {
            Backend::Sim(sim, count) => {
                *count += 1;
                let (name, token) = (format!("user-{count}"), format!("token-{count}"));
                sim.set_user(User {
                    name: name.clone(),
                    token: token.clone(),
                    groups: vec!["testers".into()],
                    rules: rules.to_vec(),
                });
                (name, self.admin.with_token(&token))
            }
            Backend::Real(real) => {
                let name = real.user(rules).await.unwrap();
                let client = real.client_of(&name);
                (name, client)
            }
        }
    }

    /// Path of a CNPG resource in the case's namespace.
    pub(crate) fn cnpg(&self, rest: &str) -> String {
        format!("/apis/postgresql.cnpg.io/v1/namespaces/{}/{rest}", self.namespace)
    }

    /// Path of a core resource in the case's namespace.
    pub(crate) fn core(&self, rest: &str) -> String {
        format!("/api/v1/namespaces/{}/{rest}", self.namespace)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.admin.send("GET", path, &[], None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.admin.send("POST", path, &[], Some(body)).await.unwrap()
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.admin.send("PUT", path, &[], Some(body)).await.unwrap()
    }

    pub(crate) async fn patch(&self, path: &str, kind: (&str, &str), body: &Value) -> Answer {
        self.admin.send("PATCH", path, &[kind], Some(body)).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str, body: Option<&Value>) -> Answer {
        self.admin.send("DELETE", path, &[], body).await.unwrap()
    }

    /// Creates a cluster and gives it as stored.
    pub(crate) async fn cluster(&self, name: &str) -> Value {
        expect(201, &self.post(&self.cnpg("clusters"), &cluster(name)).await)
    }

    /// Creates a config map with a label.
    pub(crate) async fn config_map(&self, name: &str, app: &str) -> Value {
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": app}}, "data": {"a": "1"}});
        expect(201, &self.post(&self.core("configmaps"), &body).await)
    }
}

/// A cluster as a person would write it.
pub(crate) fn cluster(name: &str) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": name},
        "spec": {"instances": 3, "storage": {"size": "1Gi"}},
    })
}

/// The body, if the answer has this status.
pub(crate) fn expect(code: u16, answer: &Answer) -> Value {
    assert_eq!(answer.code, code, "{}", answer.text);
    answer.json()
}

/// A `Status` with this code and reason.
pub(crate) fn refused(code: u16, reason: &str, answer: &Answer) -> Value {
    let status = expect(code, answer);
    assert_eq!(
        (status["kind"].as_str(), status["reason"].as_str(), status["code"].as_u64()),
        (Some("Status"), Some(reason), Some(code.into())),
        "{status}"
    );
    status
}

/// Asks again until the answer is there (20 s at most, for a slow machine).
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1_000 {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}")
}
