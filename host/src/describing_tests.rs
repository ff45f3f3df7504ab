//! What is known of strategies that are silent, slow, or others than before.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portcullis_core::catalogue::Catalogue;
use portcullis_core::config::{Config, Surroundings};
use portcullis_core::manifest::Manifest;
use portcullis_core::plugin::{Descriptor, Digest, Exports};
use portcullis_core::policy::Policy;
use portcullis_core::ports::{Authenticator, BoxFuture};
use portcullis_core::snapshot::Snapshot;
use portcullis_core::strategies::Strategies;
use portcullis_core::strategy::{Attempt, RouteRequest, RouteResponse, Site, Strategy, StrategyError, Verdict};
use tokio::sync::Barrier;

use super::{AGAIN, SOON, again, describe};

/// Says its issuer once all that share its barrier were asked; or fails.
struct Fake {
    descriptor: Descriptor,
    silent: AtomicBool,
    together: Arc<Barrier>,
}

impl Fake {
    fn new(together: &Arc<Barrier>) -> Arc<Self> {
        let descriptor = Descriptor {
            manifest: Manifest::parse("name: fake\nversion: 1.0.0\ndescription: d\n").unwrap(),
            digest: Digest::of(b"fake"),
            tools: vec![],
            withheld: BTreeMap::new(),
            prompts: vec![],
            templates: vec![],
            exports: Exports::default(),
        };
        Arc::new(Self { descriptor, silent: AtomicBool::new(false), together: Arc::clone(together) })
    }
}

impl Authenticator for Fake {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn describe(&self, _: Site) -> BoxFuture<'_, Result<Strategy, StrategyError>> {
        Box::pin(async {
            self.together.wait().await;
            let message = "its issuer is silent".to_owned();
            match self.silent.load(Ordering::SeqCst) {
                true => Err(StrategyError::Fault { unavailable: true, message, retry_after: None }),
                false => Ok(Strategy { authorization_servers: vec!["https://id".into()], ..Strategy::default() }),
            }
        })
    }

    fn authenticate(&self, _: Attempt, _: Duration) -> BoxFuture<'_, Result<Verdict, StrategyError>> {
        Box::pin(async { Ok(Verdict::NotMine) })
    }

    fn handle(&self, _: RouteRequest) -> BoxFuture<'_, Result<RouteResponse, StrategyError>> {
        Box::pin(std::future::pending())
    }
}

fn config(more: &str) -> Config {
    let text = format!(
        "plugins: {{a: {{}}, b: {{}}}}\n{more}listeners:\n- name: main\n  address: 127.0.0.1:1\n  endpoints: [{{path: /a, guard: a}}, {{path: /b, guard: b}}]\n"
    );
    let here = Path::new("/etc");
    let around = Surroundings { file: "f", base: here, cache: here, state: here, scopes: None, guarded: false };
    Config::parse(&text, around).unwrap().0
}

type Loaded = BTreeMap<String, Arc<dyn Authenticator>>;

fn loaded(a: &Arc<Fake>, b: &Arc<Fake>) -> Loaded {
    [("a".to_owned(), Arc::clone(a) as Arc<dyn Authenticator>), ("b".to_owned(), Arc::clone(b) as _)].into()
}

#[tokio::test]
async fn strategies_are_asked_at_the_same_time_and_no_more_of_them_than_there_are_places() {
    let both = Arc::new(Barrier::new(2));
    let strategies = loaded(&Fake::new(&both), &Fake::new(&both));
    assert_eq!(describe(&config(""), &strategies, None).await.0.len(), 2);
    let one_place = config("maxConcurrentCalls: 4\n");
    let asked = tokio::time::timeout(Duration::from_millis(200), describe(&one_place, &strategies, None));
    assert!(asked.await.is_err(), "each waits for the other");
}

#[tokio::test]
async fn what_a_silent_strategy_said_holds_until_it_is_another_one() {
    let alone = Arc::new(Barrier::new(1));
    let (a, b, config) = (Fake::new(&alone), Fake::new(&alone), config(""));
    let (described, findings) = describe(&config, &loaded(&a, &b), None).await;
    assert_eq!((described.len(), findings.len()), (2, 0));
    let (previous, _) = Strategies::build(&config, loaded(&a, &b), described);
    a.silent.store(true, Ordering::SeqCst);
    let (described, findings) = describe(&config, &loaded(&a, &b), Some(&previous)).await;
    assert_eq!((described.len(), findings.len()), (2, 1));
    let reloaded = Fake::new(&alone);
    reloaded.silent.store(true, Ordering::SeqCst);
    let (described, _) = describe(&config, &loaded(&reloaded, &b), Some(&previous)).await;
    assert_eq!(described.iter().map(|(_, one)| one.plugin.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test]
async fn who_said_nothing_or_lacks_something_is_asked_again_soon() {
    let alone = Arc::new(Barrier::new(1));
    let (strategies, config) = (loaded(&Fake::new(&alone), &Fake::new(&alone)), config(""));
    let (all, _) = describe(&config, &strategies, None).await;
    let after = |loaded: &Loaded, described: Vec<_>, missing| {
        let (strategies, _) = Strategies::build(&config, loaded.clone(), described);
        let (catalogue, _) = Catalogue::build(vec![], |_| false);
        let (config, policy) = (Arc::new(config.clone()), Policy::default());
        again(&Snapshot { generation: 1, config, catalogue, strategies, policy, findings: vec![] }, missing)
    };
    assert_eq!(after(&Loaded::new(), vec![], true), None);
    assert_eq!(after(&strategies, all.clone(), false), Some(AGAIN));
    assert_eq!(after(&strategies, all.clone(), true), Some(SOON));
    assert_eq!(after(&strategies, all.into_iter().take(1).collect(), false), Some(SOON));
}
