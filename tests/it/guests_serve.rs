//! Guests that behave, through the sandbox alone: what they return, ask, report and see.

use std::time::Duration;

use portcullis_core::call::CallError;
use portcullis_core::call::{CallContext, FailureCode, Outcome};
use portcullis_core::completion::{CompletionRequest, CompletionTarget};
use portcullis_core::content::{Content, ResourceBody};
use portcullis_core::grant::Grants;
use portcullis_core::limits::Limits;
use portcullis_core::notice::Notice;
use portcullis_core::policy::Action;
use portcullis_tests::guest;

use crate::guests_rig::{Rig, permit, text, words};

#[tokio::test]
async fn a_tool_adds_and_structures_its_sum() {
    let rig = Rig::new();
    let add = rig.load(guest!("add")).await;
    let output = rig.call(&*add, "add", r#"{"a":2,"b":40}"#).await.unwrap();
    assert_eq!((text(&output).as_str(), output.structured.as_deref(), output.is_error), ("42", Some(r#"{"sum":42}"#), false));
}

#[tokio::test]
async fn a_guests_own_failure_keeps_its_code_and_words() {
    let rig = Rig::new();
    let add = rig.load(guest!("add")).await;
    let error = rig.call(&*add, "add", &format!(r#"{{"a":{},"b":1}}"#, i64::MAX)).await.unwrap_err();
    assert!(matches!(&error, CallError::Failure(failure) if failure.code == FailureCode::InvalidArguments), "{error}");
    assert!(error.to_string().contains("does not fit 64 bits"), "{error}");
}

#[tokio::test]
async fn a_descriptor_tells_what_the_guest_said_of_itself() {
    let rig = Rig::new();
    let add = rig.load(guest!("add")).await;
    let descriptor = add.descriptor();
    assert_eq!((descriptor.manifest.name.as_str(), descriptor.tools.len()), ("add", 1));
    assert_eq!(descriptor.tools[0].annotations.read_only, Some(true));
    assert!(!descriptor.exports.prompts && !descriptor.exports.resources);
}

#[tokio::test]
async fn a_withheld_tool_is_known_with_its_reason_and_needs_no_grant() {
    let rig = Rig::new();
    let reluctant =
        rig.load_with(guest!("withheld"), Grants::default(), Limits::default()).await.map_err(|it| words(&it)).unwrap();
    assert_eq!(reluctant.descriptor().withheld["resize"], "the storage class cannot grow");
    assert_eq!(reluctant.descriptor().tools.len(), 1);
    assert_eq!(text(&rig.call(&*reluctant, "shrink", "{}").await.unwrap()), "smaller");
}

#[tokio::test]
async fn a_plugin_is_asked_again_for_its_offers_once_it_says_that_they_changed() {
    let rig = Rig::new();
    let fickle = rig.load(guest!("changing")).await;
    let told = || tokio::time::timeout(Duration::from_millis(50), fickle.offers_changed());
    assert!(told().await.is_err(), "what is said during a listing counts for nothing");
    rig.call(&*fickle, "change", "{}").await.unwrap();
    assert!(told().await.is_ok());
    let next = fickle.list_again().await.unwrap().unwrap();
    assert_ne!(next.descriptor().tools[1].name, fickle.descriptor().tools[1].name);
    let add = rig.load(guest!("add")).await;
    assert!(add.list_again().await.unwrap().is_none(), "nothing changed");
}

#[tokio::test]
async fn text_of_any_script_comes_back_as_it_went() {
    let rig = Rig::new();
    let echo = rig.load(guest!("echo")).await;
    for said in ["", "plain", "Grüße 🐘 \u{0} \"'\\", &"x".repeat(1 << 20)] {
        let output = rig.call(&*echo, "echo", &serde_json::json!({ "text": said }).to_string()).await.unwrap();
        assert_eq!(text(&output), said);
    }
}

#[tokio::test]
async fn a_question_comes_back_with_its_answer_and_its_state() {
    let rig = Rig::new();
    let asker = rig.load(guest!("questions")).await;
    let context = CallContext { can_ask: vec!["elicitation/create".to_owned()], ..rig.context() };
    let first = asker.call_tool(permit(Action::CallTool, "ask"), context.clone(), "{}".to_owned()).await.unwrap();
    let Outcome::InputRequired(required) = first else { panic!("{first:?}") };
    assert_eq!((required.questions[0].key.as_str(), required.state.as_deref()), ("name", Some(&b"asked once"[..])));

    let answers = vec![("name".to_owned(), r#"{"action":"accept","content":{"name":"Ada"}}"#.to_owned())];
    let context = CallContext { answers, state: required.state, ..context };
    let second = asker.call_tool(permit(Action::CallTool, "ask"), context, "{}".to_owned()).await.unwrap();
    let Outcome::Complete(output) = second else { panic!("{second:?}") };
    assert_eq!(text(&output), r#"{"name":"Ada"} after asked once"#);
}

#[tokio::test]
async fn a_client_that_cannot_ask_is_told_so() {
    let rig = Rig::new();
    let asker = rig.load(guest!("questions")).await;
    let output = rig.call(&*asker, "ask", "{}").await.unwrap();
    assert!(output.is_error && text(&output).contains("cannot ask"));
}

#[tokio::test]
async fn progress_and_messages_reach_the_client_in_order() {
    let rig = Rig::new();
    let stepper = rig.load(guest!("progress_steps")).await;
    rig.call(&*stepper, "step", r#"{"steps":3}"#).await.unwrap();
    let steps: Vec<_> = rig.heard.progress.lock().unwrap().drain(..).collect();
    let expected = [1.0, 2.0, 3.0].map(|step| (step, Some(3.0), Some(format!("step {step}"))));
    assert_eq!(steps, expected);
    assert_eq!(rig.heard.messages.lock().unwrap().first().map(String::as_str), Some(r#"info {"step":1}"#));
}

#[tokio::test]
async fn the_surroundings_of_a_guest_are_empty() {
    let rig = Rig::new();
    let scout = rig.load(guest!("surroundings")).await;
    let output = rig.call(&*scout, "look_around", "{}").await.unwrap();
    assert_eq!(text(&output), "variables 0, arguments 0, input 0");
}

#[tokio::test]
async fn clocks_and_random_are_real_once_granted() {
    let rig = Rig::new();
    let dice = rig.load(guest!("clocks_random")).await;
    let mut rolls = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let output = rig.call(&*dice, "roll", "{}").await.unwrap();
        let rolled: serde_json::Value = serde_json::from_str(output.structured.as_deref().unwrap()).unwrap();
        assert!(rolled["now"].as_u64().unwrap() > 1_700_000_000, "{rolled}");
        rolls.insert(rolled["roll"].to_string());
    }
    assert_eq!(rolls.len(), 2, "two instances drew the same random bytes");
}

#[tokio::test]
async fn prompts_resources_and_completions_are_found_and_served() {
    let rig = Rig::new();
    let library = rig.load(guest!("prompts_resources")).await;
    let exports = library.descriptor().exports;
    assert!(exports.prompts && exports.resources && exports.subscriptions && exports.completions);
    assert_eq!(library.descriptor().prompts[0].arguments.len(), 2);
    assert_eq!(library.descriptor().templates[0].uri_template, "note://{name}");

    let arguments = vec![("note".to_owned(), "beta".to_owned())];
    let expanded = library.get_prompt(permit(Action::GetPrompt, "summarize"), rig.context(), arguments).await.unwrap();
    let Outcome::Complete(expansion) = expanded else { panic!("{expanded:?}") };
    assert_eq!(expansion.messages[0].content, Content::Text("Summarise the note beta".to_owned()));

    let known = Vec::new();
    let target = CompletionTarget::Prompt("summarize".to_owned());
    let request = CompletionRequest { target, argument: "note".to_owned(), value: "al".to_owned(), known };
    assert_eq!(library.complete(rig.context(), request).await.unwrap().values, ["alpha", "alto"]);
}

#[tokio::test]
async fn resources_come_in_pages_and_unknown_ones_are_failures() {
    let rig = Rig::new();
    let library = rig.load(guest!("prompts_resources")).await;
    let first = library.list_resources(rig.context(), None).await.unwrap();
    let second = library.list_resources(rig.context(), first.next.clone()).await.unwrap();
    assert_eq!((first.resources.len(), second.resources.len(), second.next), (2, 1, None));

    let read = library.read_resource(permit(Action::ReadResource, "note://beta"), rig.context()).await.unwrap();
    let Outcome::Complete(contents) = read else { panic!("{read:?}") };
    assert_eq!(contents[0].body, ResourceBody::Text("note beta".to_owned()));
    let error = library.read_resource(permit(Action::ReadResource, "note://gamma"), rig.context()).await.unwrap_err();
    assert!(matches!(&error, CallError::Failure(failure) if failure.code == FailureCode::UnknownResource), "{error}");
}

#[tokio::test]
async fn a_watch_outlives_the_deadline_of_calls_and_ends_with_its_listener() {
    let rig = Rig::new();
    let limits = Limits { deadline_ms: 150, ..Limits::default() };
    let clock = rig.load_limited(guest!("subscriptions"), limits).await;
    let watch = clock.watch_resource(permit(Action::ReadResource, "clock://tick"), rig.context());
    let thirty_ticks = async {
        while rig.heard.notices.lock().unwrap().len() < 30 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        ended = watch => panic!("the watch ended by itself: {ended:?}"),
        () = thirty_ticks => {}
    }
    let heard = rig.heard.notices.lock().unwrap().len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rig.heard.notices.lock().unwrap().len(), heard, "the guest ticks on after nobody listens");
    assert_eq!(rig.heard.notices.lock().unwrap()[0], Notice::ResourceUpdated { uri: "clock://tick".to_owned() });
}

#[tokio::test]
async fn settings_reach_the_guest_as_the_operator_wrote_them() {
    let rig = Rig::new();
    let settled = rig.load_settled(guest!("settings"), r#"{"greeting": "Hi",  "n":1.50}"#).await.unwrap();
    assert_eq!(text(&rig.call(&*settled, "settings", "{}").await.unwrap()), r#"{"greeting": "Hi",  "n":1.50}"#);
}

#[tokio::test]
async fn settings_that_the_schema_forbids_refuse_the_plugin() {
    let rig = Rig::new();
    for wrong in [r#"{"greeting":1}"#, r#"{"greting":"Hi"}"#, "[]"] {
        let Err(findings) = rig.load_settled(guest!("settings"), wrong).await else { panic!("{wrong} was taken") };
        assert!(words(&findings).contains("plugins.settings.settings"), "{}", words(&findings));
    }
}
