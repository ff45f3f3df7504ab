//! The auth strategies of a snapshot, as their listeners see them: who is asked where, and who answers which path. Pure; asking is the
//! gateway's business.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Config, Guard, Listener, StrategyRef};
use crate::finding::Finding;
use crate::ports::Authenticator;
use crate::strategy::{Route, Site, Strategy};

mod advice;

/// Member of protected resource metadata: types of `authorization_details` that clients may ask for (RFC 9396 §10).
pub const DETAILS: &str = "authorization_details_types_supported";

/// Most routes of one strategy on one listener (`portcullis:auth`, `route`).
const ROUTES_MAX: usize = 64;

/// Paths that the host answers itself, with everything below them.
const OWN: [&str; 3] = ["/livez", "/readyz", "/.well-known/oauth-protected-resource"];

/// See the module.
#[derive(Default)]
pub struct Strategies {
    loaded: BTreeMap<String, Arc<dyn Authenticator>>,
    described: BTreeMap<String, Vec<Described>>,
}

/// A strategy on one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The plugin's name.
    pub plugin: String,
    /// Where it guards.
    pub site: Site,
    /// What it says of itself there.
    pub strategy: Strategy,
}

/// The public URL of a listener: what is configured, else its address.
#[must_use]
pub fn origin(listener: &Listener) -> String {
    listener.public_url.clone().unwrap_or_else(|| format!("http://{}", listener.address))
}

/// The canonical URL of an endpoint (RFC 8707 §2).
#[must_use]
pub fn resource(listener: &Listener, path: &str) -> String {
    format!("{}{path}", origin(listener))
}

/// Every listener with every strategy that some endpoint of it asks, in the order of the file.
#[must_use]
pub fn sites(config: &Config) -> Vec<(String, String, Site)> {
    let mut sites = Vec::new();
    for listener in &config.listeners {
        let mut plugins: Vec<&String> = Vec::new();
        let asked = listener.endpoints.iter().flat_map(|endpoint| endpoint.guard.strategies());
        plugins.extend(asked.filter_map(|one| if let StrategyRef::Plugin(name) = one { Some(name) } else { None }));
        let mut seen = std::collections::BTreeSet::new();
        plugins.retain(|name| seen.insert(*name));
        sites.extend(plugins.into_iter().map(|name| (listener.name.clone(), name.clone(), site(listener, name))));
    }
    sites
}

fn site(listener: &Listener, plugin: &str) -> Site {
    let asks = StrategyRef::Plugin(plugin.to_owned());
    let guarded: Vec<_> = listener.endpoints.iter().filter(|endpoint| endpoint.guard.asks(&asks)).collect();
    let mut scopes: Vec<String> = Vec::new();
    for scope in guarded.iter().flat_map(|endpoint| &endpoint.scopes) {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    Site {
        origin: origin(listener),
        resources: guarded.iter().map(|endpoint| resource(listener, &endpoint.path)).collect(),
        scopes,
    }
}

impl Strategies {
    /// Of what was loaded and described. Routes that the host or an earlier strategy serves are left out, with a finding each.
    #[must_use]
    pub fn build(
        config: &Config,
        loaded: BTreeMap<String, Arc<dyn Authenticator>>,
        described: Vec<(String, Described)>,
    ) -> (Self, Vec<Finding>) {
        let (mut all, mut findings) = (Self { loaded, described: BTreeMap::new() }, Vec::new());
        for (listener, mut one) in described {
            let paths =
                config.listeners.iter().find(|it| it.name == listener).map(|it| it.endpoints.as_slice()).unwrap_or_default();
            let others = all.described.entry(listener).or_default();
            let refused = |route: &Route| -> Option<String> {
                let owned = OWN.iter().any(|own| route.path == *own || route.path.starts_with(&format!("{own}/")));
                let endpoint = paths.iter().any(|endpoint| route.path == endpoint.path);
                let taken = others.iter().find(|other| other.strategy.routes.iter().any(|it| it.path == route.path));
                match taken {
                    _ if !route.path.starts_with('/') => Some("does not begin with `/`".to_owned()),
                    _ if owned || endpoint => Some("is served by the host itself".to_owned()),
                    Some(other) => Some(format!("is served by strategy `{}` already", other.plugin)),
                    None => None,
                }
            };
            let mut routes = Vec::new();
            for route in one.strategy.routes.drain(..) {
                match refused(&route) {
                    None if routes.len() < ROUTES_MAX => routes.push(route),
                    None => findings.push(finding(
                        &one.plugin,
                        format!("it has more than {ROUTES_MAX} routes; `{}` is one too many", route.path),
                    )),
                    Some(why) => findings.push(finding(&one.plugin, format!("its route `{}` {why}", route.path))),
                }
            }
            one.strategy.routes = routes;
            others.push(one);
        }
        findings.extend(all.absent(config));
        findings.extend(all.refused_details(config));
        (all, findings)
    }

    /// Guards that name a plugin which is no loaded strategy: nobody gets in there by it.
    fn absent(&self, config: &Config) -> Vec<Finding> {
        let missing = sites(config).into_iter().filter(|(listener, plugin, _)| self.on(listener, plugin).is_none());
        missing
            .map(|(listener, plugin, _)| {
                Finding::error(
                    format!("listener {listener}"),
                    format!("strategy `{plugin}` is not loaded, or does not say what it is: whoever needs it is refused"),
                )
                .hint(format!(
                    "see the findings on plugin `{plugin}`, and that it is an auth strategy: `portcullis plugin inspect FILE`"
                ))
            })
            .collect()
    }

    /// The strategy itself.
    #[must_use]
    pub fn get(&self, plugin: &str) -> Option<&Arc<dyn Authenticator>> {
        self.loaded.get(plugin)
    }

    /// What a strategy says of itself on a listener.
    #[must_use]
    pub fn on(&self, listener: &str, plugin: &str) -> Option<&Described> {
        self.described.get(listener)?.iter().find(|one| one.plugin == plugin)
    }

    /// Those that guard an endpoint, in its order.
    pub fn of<'a>(&'a self, listener: &'a str, guard: &'a Guard) -> impl Iterator<Item = &'a Described> {
        guard.strategies().iter().filter_map(move |one| match one {
            StrategyRef::Plugin(name) => self.on(listener, name),
            StrategyRef::Tokens => None,
        })
    }

    /// Who serves a path of a listener, with all its methods.
    #[must_use]
    pub fn route(&self, listener: &str, path: &str) -> Option<(&Described, Vec<&Route>)> {
        let described = self.described.get(listener)?;
        described.iter().find_map(|one| {
            let routes: Vec<&Route> = one.strategy.routes.iter().filter(|route| route.path == path).collect();
            (!routes.is_empty()).then_some((one, routes))
        })
    }

    /// Everything that was described, for comparing two snapshots.
    #[must_use]
    pub fn described(&self) -> &BTreeMap<String, Vec<Described>> {
        &self.described
    }

    /// Every strategy that is loaded.
    pub fn loaded(&self) -> impl Iterator<Item = &Arc<dyn Authenticator>> {
        self.loaded.values()
    }
}

fn finding(plugin: &str, message: String) -> Finding {
    Finding::error(format!("plugin {plugin}"), message).hint("this path is not the strategy's; the others are")
}

impl std::fmt::Debug for Strategies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Strategies").field("loaded", &self.loaded.keys()).field("described", &self.described).finish()
    }
}

#[cfg(test)]
#[path = "strategies_tests.rs"]
mod tests;
