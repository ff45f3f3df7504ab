//! Asks the auth strategies of the next snapshot what they are on each listener. What one said before is good as long as it does not answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use portcullis_core::config::Config;
use portcullis_core::finding::Finding;
use portcullis_core::limits::STRATEGY_SHARE;
use portcullis_core::ports::Authenticator;
use portcullis_core::snapshot::Snapshot;
use portcullis_core::strategies::{Described, Strategies, sites};
use portcullis_core::strategy::Site;

/// How often strategies are asked again: scopes of an authorization server change, and clients should not ask for those that are gone.
const AGAIN: Duration = Duration::from_secs(300);

/// How soon one is asked again that has said nothing yet: nobody gets in by it until then.
const SOON: Duration = Duration::from_secs(5);

/// Strategies that are asked at the same time, if there are places: more sites than this are rare.
const AT_ONCE: usize = 16;

/// When to ask again; `None` while there is nobody to ask. Soon if something is missing that strategies need.
pub(crate) fn again(snapshot: &Snapshot, something_is_missing: bool) -> Option<Duration> {
    snapshot.strategies.loaded().next()?;
    let said = |(listener, plugin, _): &(String, String, _)| {
        snapshot.strategies.get(plugin).is_none() || snapshot.strategies.on(listener, plugin).is_some()
    };
    let all = !something_is_missing && sites(&snapshot.config).iter().all(said);
    Some(if all { AGAIN } else { SOON })
}

/// Everything that strategies say, by listener, and findings on those that say nothing. They are asked at once: a reload that takes a token away
/// need not wait for each one that is silent.
pub(crate) async fn describe(
    config: &Config,
    loaded: &BTreeMap<String, Arc<dyn Authenticator>>,
    previous: Option<&Strategies>,
) -> (Vec<(String, Described)>, Vec<Finding>) {
    let asked = sites(config).into_iter().filter_map(|(listener, plugin, site)| {
        let strategy = loaded.get(&plugin)?;
        Some(async move {
            let said = strategy.describe(site.clone()).await;
            (listener, plugin, site, strategy, said)
        })
    });
    let places = config.max_concurrent_calls.div_ceil(STRATEGY_SHARE);
    let answers: Vec<_> = stream::iter(asked).buffered(places.clamp(1, AT_ONCE)).collect().await;
    let (mut described, mut findings) = (Vec::new(), Vec::new());
    for (listener, plugin, site, strategy, said) in answers {
        match said {
            Ok(strategy) => described.push((listener, Described { plugin, site, strategy })),
            Err(error) => {
                let before = previous.and_then(|previous| before(previous, (&listener, &plugin), &site, strategy));
                let serves = if before.is_some() { "; what it said before still holds" } else { "" };
                let message = format!("does not say what it is on listener `{listener}`: {error}{serves}");
                findings.push(Finding::error(format!("plugin {plugin}"), message).hint("the host asks again every few minutes"));
                described.extend(before.cloned().map(|one| (listener, one)));
            }
        }
    }
    (described, findings)
}

/// What the very same strategy said of the very same site. Another version, or one with other settings, may send clients elsewhere.
fn before<'a>(
    previous: &'a Strategies,
    (listener, plugin): (&str, &str),
    site: &Site,
    strategy: &Arc<dyn Authenticator>,
) -> Option<&'a Described> {
    previous.get(plugin).filter(|one| Arc::ptr_eq(one, strategy))?;
    previous.on(listener, plugin).filter(|one| one.site == *site)
}

#[cfg(test)]
#[path = "describing_tests.rs"]
mod tests;
