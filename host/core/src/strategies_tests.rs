//! What strategies may say of themselves, and what becomes of a set of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use super::{Described, Strategies, resource, sites};
use crate::config::{Config, Surroundings};
use crate::strategy::{Route, Strategy};

fn config() -> Config {
    let text = "plugins: {proxy: {}, oidc: {}}\nlisteners:\n- name: main\n  address: 127.0.0.1:4204\n  publicUrl: https://mcp.example.com\n  endpoints:\n  - {path: /mcp, guard: [tokens, proxy], scopes: [b, a]}\n  - {path: /two, guard: [proxy, oidc], scopes: [a, c]}\n- name: test\n  address: 127.0.0.1:3001\n  endpoints: [{path: /test, guard: oidc}]\n";
    let root = Path::new("/");
    Config::parse(text, Surroundings { file: "f", base: root, cache: root, state: root, scopes: None, guarded: false }).unwrap().0
}

fn described(plugin: &str, paths: &[&str]) -> Described {
    let (_, _, site) = sites(&config()).into_iter().find(|(_, name, _)| name == plugin).unwrap();
    let route = |path: &&str| Route { method: "GET".into(), path: (*path).to_owned(), cors: false };
    let strategy = Strategy { routes: paths.iter().map(route).collect(), ..Strategy::default() };
    Described { plugin: plugin.to_owned(), site, strategy }
}

#[test]
fn a_strategy_learns_its_sites_from_the_configuration() {
    let sites = sites(&config());
    let names: Vec<_> = sites.iter().map(|(listener, plugin, _)| (listener.as_str(), plugin.as_str())).collect();
    assert_eq!(names, [("main", "proxy"), ("main", "oidc"), ("test", "oidc")]);
    let (_, _, site) = &sites[0];
    assert_eq!(site.origin, "https://mcp.example.com");
    assert_eq!(site.resources, ["https://mcp.example.com/mcp", "https://mcp.example.com/two"]);
    assert_eq!(site.scopes, ["b", "a", "c"]);
    assert_eq!(resource(&config().listeners[1], "/test"), "http://127.0.0.1:3001/test");
}

#[test]
fn a_route_is_served_by_one_strategy_and_never_covers_the_hosts_own_paths() {
    let wanted = ["/token", "/mcp", "/readyz", "/.well-known/oauth-protected-resource/mcp", "token"];
    let all =
        vec![("main".to_owned(), described("proxy", &wanted)), ("main".to_owned(), described("oidc", &["/token", "/mine"]))];
    let (strategies, findings) = Strategies::build(&config(), BTreeMap::new(), all);
    assert_eq!(strategies.route("main", "/token").unwrap().0.plugin, "proxy");
    assert_eq!(strategies.route("main", "/mine").unwrap().0.plugin, "oidc");
    for path in ["/mcp", "/readyz", "/.well-known/oauth-protected-resource/mcp", "token"] {
        assert!(strategies.route("main", path).is_none(), "{path}");
    }
    assert!(strategies.route("test", "/token").is_none(), "routes belong to a listener");
    let said = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(said.contains("its route `/token` is served by strategy `proxy` already"), "{said}");
    assert!(said.contains("listener test: strategy `oidc` is not loaded"), "{said}");
    assert_eq!(findings.len(), 6, "{said}");
}

#[test]
fn a_strategy_has_at_most_64_routes() {
    let paths: Vec<String> = (0..70).map(|number| format!("/{number}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let (strategies, findings) =
        Strategies::build(&config(), BTreeMap::new(), vec![("main".to_owned(), described("proxy", &paths))]);
    assert_eq!(strategies.on("main", "proxy").unwrap().strategy.routes.len(), 64);
    assert!(findings.len() > 6);
}
