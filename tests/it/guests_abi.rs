//! Components of released tracks, frozen in `tests/abi`: each loads and answers for ever. A failure here means that the host broke a
//! promise, not that a component should be rebuilt.

use std::path::PathBuf;
use std::time::Duration;

use portcullis_core::call::Outcome;
use portcullis_core::grant::Grants;
use portcullis_core::limits::Limits;
use portcullis_core::policy::Action;
use portcullis_core::strategy::Verdict;
use portcullis_tests::components::workspace;

use crate::guests_auth::{attempt, request, site};
use crate::guests_rig::{Rig, permit, text, words};

fn frozen(path: &str) -> anyhow::Result<PathBuf> {
    Ok(workspace().join("tests/abi").join(path).with_extension("wasm"))
}

#[tokio::test]
async fn the_first_tool_of_track_0_1_still_adds() {
    let rig = Rig::new();
    let add = rig.load(frozen("0.1/add")).await;
    let output = rig.call(&*add, "add", r#"{"a":-2,"b":44}"#).await.unwrap();
    assert_eq!((text(&output).as_str(), output.structured.as_deref()), ("42", Some(r#"{"sum":42}"#)));
}

#[tokio::test]
async fn every_optional_export_of_track_0_1_is_still_served() {
    let rig = Rig::new();
    let library = rig.load(frozen("0.1/prompts_resources")).await;
    let exports = library.descriptor().exports;
    assert!(exports.prompts && exports.resources && exports.subscriptions && exports.completions);
    let read = library.read_resource(permit(Action::ReadResource, "note://alpha"), rig.context()).await.unwrap();
    assert!(matches!(read, Outcome::Complete(contents) if contents.len() == 1));
    let arguments = vec![("note".to_owned(), "alpha".to_owned())];
    let expanded = library.get_prompt(permit(Action::GetPrompt, "summarize"), rig.context(), arguments).await.unwrap();
    assert!(matches!(expanded, Outcome::Complete(expansion) if expansion.messages.len() == 1));
}

#[tokio::test]
async fn the_first_strategy_of_track_0_1_still_knows_alice() {
    let rig = Rig::new();
    let loaded = rig.load_any(frozen("0.1/fixed_strategy"), Grants::default(), Limits::default()).await;
    let loaded = loaded.unwrap_or_else(|findings| panic!("{}", words(&findings)));
    let strategy = loaded.authenticator().unwrap();
    let described = strategy.describe(site("https://mcp.example")).await.unwrap();
    assert_eq!((described.metadata.as_deref(), described.routes.len()), (Some(r#"{"resource_name":"Fixed"}"#), 1));
    let verdict = strategy.authenticate(attempt("alice-token"), Duration::from_secs(20)).await.unwrap();
    assert!(matches!(verdict, Verdict::Principal(alice) if alice.subject == "alice" && alice.groups == ["staff"]));
    assert_eq!(strategy.handle(request("/hello", None)).await.unwrap().status, 200);
}

/// Adding a frozen component without a test for it would prove nothing.
#[test]
fn every_frozen_component_is_named_here() {
    let this = include_str!("guests_abi.rs");
    for track in std::fs::read_dir(workspace().join("tests/abi")).unwrap().map(|entry| entry.unwrap().path()) {
        let components = std::fs::read_dir(&track).into_iter().flatten().map(|entry| entry.unwrap().path());
        for component in components {
            let name = format!("{}/{}", track.file_name().unwrap().display(), component.file_stem().unwrap().display());
            assert!(this.contains(&format!("frozen(\"{name}\")")), "no test loads tests/abi/{name}");
        }
    }
}
