//! `/livez` and `/readyz`: for the kubelet and for people. They ask nobody who they are; a stranger from elsewhere gets a word, this machine
//! and callers get the reasons.
//!
//! Ready means: can serve something. A broken plugin degrades and is named; the host is not ready if no plugin is loaded at all, if the
//! API server is out of reach while a plugin needs it, or if the audit trail cannot be written.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Response, StatusCode};
use portcullis_core::kube::KubeStatus;
use portcullis_core::ports::{AuditSink, BoxFuture};
use portcullis_core::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::respond::{Body, json_response};

/// Asks whether the API server answers within the time given.
pub type KubernetesProbe = Arc<dyn Fn(Duration) -> BoxFuture<'static, Result<(), KubeStatus>> + Send + Sync>;

/// How long the API server may take: below the kubelet's default probe time-out of 1 s.
const PROBE_TIME: Duration = Duration::from_millis(800);

/// How long one answer of the API server serves all probes, so that nobody can hammer it through us.
const PROBE_FRESH: Duration = Duration::from_secs(2);

/// Knows how the host is.
pub(crate) struct Health {
    probe: Option<KubernetesProbe>,
    /// Held while asking: probes that come meanwhile wait for the same answer.
    last: tokio::sync::Mutex<Option<(Instant, Option<String>)>>,
}

impl Health {
    pub(crate) fn new(probe: Option<KubernetesProbe>) -> Self {
        Self { probe, last: tokio::sync::Mutex::new(None) }
    }

    /// `/livez`: the process answers.
    pub(crate) fn live() -> Response<Body> {
        json_response(StatusCode::OK, &json!({"status": "live"}))
    }

    /// How the host is now.
    pub(crate) async fn readiness(&self, snapshot: &Snapshot, audit: &dyn AuditSink) -> Readiness {
        let mut reasons: Vec<Value> = Vec::new();
        if snapshot.catalogue.plugins().is_empty() {
            reasons.push(json!({"subject": "plugins", "message": "no plugin with tools is loaded"}));
        }
        if let Some(why) = self.kubernetes(snapshot).await {
            reasons.push(json!({"subject": "kubernetes", "message": why}));
        }
        if let Err(why) = audit.ready() {
            reasons.push(json!({"subject": "audit", "message": why.to_string()}));
        }
        let ready = reasons.is_empty();
        let broken = snapshot.findings.iter().filter(|finding| finding.is_error());
        reasons.extend(broken.map(|finding| json!({"subject": finding.subject, "message": finding.message})));
        Readiness { ready, reasons }
    }

    /// Why the API server cannot be used, if a plugin needs it.
    async fn kubernetes(&self, snapshot: &Snapshot) -> Option<String> {
        let probe = self.probe.as_ref()?;
        if !snapshot.catalogue.plugins().iter().any(|plugin| plugin.grants().kubernetes.is_some()) {
            return None;
        }
        let mut last = self.last.lock().await;
        match last.as_ref() {
            Some((at, answer)) if at.elapsed() < PROBE_FRESH => answer.clone(),
            _ => {
                let answer = ask(probe).await;
                *last = Some((Instant::now(), answer.clone()));
                answer
            }
        }
    }
}

/// What `/readyz` says.
pub(crate) struct Readiness {
    ready: bool,
    reasons: Vec<Value>,
}

impl Readiness {
    /// The status alone: names, versions and messages tell a stranger where to begin.
    pub(crate) fn in_a_word(&self) -> Response<Body> {
        self.answer(&json!({"status": self.word()}))
    }

    /// Everything.
    pub(crate) fn in_detail(&self, snapshot: &Snapshot) -> Response<Body> {
        self.answer(&json!({
            "status": self.word(),
            "generation": snapshot.generation,
            "plugins": plugins(snapshot),
            "reasons": self.reasons,
        }))
    }

    fn word(&self) -> &'static str {
        match (self.ready, self.reasons.is_empty()) {
            (true, true) => "ready",
            (true, false) => "degraded",
            (false, _) => "not-ready",
        }
    }

    fn answer(&self, document: &Value) -> Response<Body> {
        json_response(if self.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, document)
    }
}

async fn ask(probe: &KubernetesProbe) -> Option<String> {
    match tokio::time::timeout(PROBE_TIME, probe(PROBE_TIME)).await {
        Ok(Ok(())) => None,
        Ok(Err(status)) => Some(status.to_string()),
        Err(_) => Some(format!("the API server did not answer within {PROBE_TIME:?}")),
    }
}

fn plugins(snapshot: &Snapshot) -> Vec<Value> {
    let descriptors = snapshot.catalogue.plugins().iter().map(|plugin| plugin.descriptor());
    descriptors
        .map(|it| json!({"name": it.manifest.name, "version": it.manifest.version, "digest": it.digest.to_string()}))
        .collect()
}
