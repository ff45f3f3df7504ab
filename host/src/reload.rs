//! Reload: builds the next snapshot beside the live one and publishes it whole or not at all. Calls in flight end on what they began with;
//! what is wrong is a finding, and the last good one serves on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::config::Config;
use portcullis_core::finding::Finding;
use portcullis_core::snapshot::Snapshot;
use tokio::sync::watch;

use crate::assembly::Assembly;
use crate::serve::Parts;
use crate::sockets::Sockets;
use crate::watcher::Watcher;
use crate::{configuration, describing};

/// Everything that changes when files change.
pub(crate) struct Reloader {
    /// The configuration file; absolute.
    pub(crate) file: PathBuf,
    /// What stays as it was at the start.
    pub(crate) parts: Parts,
    /// What serves now.
    pub(crate) live: Assembly,
    /// Where snapshots are published.
    pub(crate) snapshots: watch::Sender<Arc<Snapshot>>,
    /// `None` under stdio.
    pub(crate) sockets: Option<Sockets>,
}

impl Reloader {
    /// Looks again whenever files, or what plugins offer, change. Runs until it is dropped.
    pub(crate) async fn run(&mut self) {
        let mut watcher =
            Watcher::new().map_err(|error| tracing::warn!(%error, "files are not watched; changes need a restart")).ok();
        loop {
            let plugins = self.live.snapshot.config.plugin_directory.clone();
            if let Some(watcher) = &mut watcher {
                watcher.watch(&self.file, &plugins);
            }
            // Looks after it begins to watch: what changed in between, the start included, is not missed.
            self.turn().await;
            if self.live.snapshot.config.plugin_directory == plugins {
                let again = describing::again(&self.live.snapshot, self.parts.lacks_something(&self.live.snapshot.config));
                tokio::select! {
                    () = changed(watcher.as_ref()) => {}
                    () = pause(again) => {}
                    () = self.live.follow_offers() => {}
                }
            }
        }
    }

    /// One look.
    pub(crate) async fn turn(&mut self) {
        let (config, findings) = match configuration::read(&self.file, Some(&self.live.snapshot.config)).await {
            Ok((config, warnings)) => (Arc::new(config), warnings),
            Err(findings) => (Arc::clone(&self.live.snapshot.config), findings),
        };
        if let Err(findings) = self.try_publish(config, findings).await {
            let last_good = Arc::clone(&self.live.snapshot.config);
            // With the configuration that serves now, no socket is missing.
            let _ = self.try_publish(last_good, findings).await;
        }
    }

    /// # Errors
    /// Findings on sockets; then nothing is published.
    async fn try_publish(&mut self, config: Arc<Config>, mut findings: Vec<Finding>) -> Result<(), Vec<Finding>> {
        findings.extend(self.parts.findings.iter().cloned());
        findings.extend(self.parts.needs_restart(&config));
        let next = self.parts.assemble(config, findings, Some(&self.live)).await;
        if next.is_like(&self.live) {
            return Ok(());
        }
        let bound = match &self.sockets {
            Some(sockets) => Some(sockets.bind(&next.snapshot.config).await?),
            None => None,
        };
        tell(&next.snapshot.findings, &self.live.snapshot.findings);
        tracing::info!(generation = next.snapshot.generation, plugins = next.snapshot.catalogue.plugins().len(), "published");
        self.parts.published(&next.snapshot.config);
        self.snapshots.send_replace(Arc::clone(&next.snapshot));
        if let (Some(sockets), Some(bound)) = (&mut self.sockets, bound) {
            sockets.follow(&next.snapshot.config, bound);
        }
        self.live = next;
        Ok(())
    }
}

/// Without a watcher, files never change.
async fn changed(watcher: Option<&Watcher>) {
    match watcher {
        Some(watcher) => watcher.changed().await,
        None => std::future::pending().await,
    }
}

async fn pause(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Logs what is new among findings.
pub(crate) fn tell(findings: &[Finding], known: &[Finding]) {
    for finding in findings.iter().filter(|finding| !known.contains(finding)) {
        if finding.is_error() {
            tracing::error!("{}", finding.words());
        } else {
            tracing::warn!("{}", finding.words());
        }
    }
}
