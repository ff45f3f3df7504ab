//! Asks the auth strategies of the next snapshot what they are on each listener. What one said before is good as long as it does not answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::config::Config;
use portcullis_core::finding::Finding;
use portcullis_core::ports::Authenticator;
use portcullis_core::snapshot::Snapshot;
use portcullis_core::strategies::{Described, Strategies, sites};

/// How often strategies are asked again: scopes of an authorization server change, and clients should not ask for those that are gone.
const AGAIN: Duration = Duration::from_secs(300);

/// How soon one is asked again that has said nothing yet: nobody gets in by it until then.
const SOON: Duration = Duration::from_secs(5);

/// When to ask again.
pub(crate) fn again(snapshot: &Snapshot) -> Duration {
    let said = |(listener, plugin, _): &(String, String, _)| {
        snapshot.strategies.get(plugin).is_none() || snapshot.strategies.on(listener, plugin).is_some()
    };
    if sites(&snapshot.config).iter().all(said) { AGAIN } else { SOON }
}

/// Everything that strategies say, by listener, and findings on those that say nothing.
pub(crate) async fn describe(
    config: &Config,
    loaded: &BTreeMap<String, Arc<dyn Authenticator>>,
    previous: Option<&Strategies>,
) -> (Vec<(String, Described)>, Vec<Finding>) {
    let (mut described, mut findings) = (Vec::new(), Vec::new());
    for (listener, plugin, site) in sites(config) {
        let Some(strategy) = loaded.get(&plugin) else { continue };
        match strategy.describe(site.clone()).await {
            Ok(strategy) => described.push((listener, Described { plugin, site, strategy })),
            Err(error) => {
                let before = previous.and_then(|one| one.on(&listener, &plugin)).filter(|one| one.site == site);
                let serves = if before.is_some() { "; what it said before still holds" } else { "" };
                let message = format!("does not say what it is on listener `{listener}`: {error}{serves}");
                findings.push(Finding::error(format!("plugin {plugin}"), message).hint("the host asks again every few minutes"));
                described.extend(before.cloned().map(|one| (listener, one)));
            }
        }
    }
    (described, findings)
}
