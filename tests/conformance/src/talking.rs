//! Tools that say something besides their result.

use portcullis_plugin::{Output, notifications, progress};
use serde_json::json;

/// The answer, if the tool is one of these.
pub(crate) fn call(name: &str) -> Option<Output> {
    Some(match name {
        "test_tool_with_logging" => logging(&["Tool execution started", "Tool processing data", "Tool execution completed"]),
        "test_logging_tool" => logging(&["Logged once"]),
        "test_tool_with_progress" => reporting(),
        "test_trigger_tool_change" => changing("tools"),
        "test_trigger_prompt_change" => changing("prompts"),
        _ => return None,
    })
}

fn logging(messages: &[&str]) -> Output {
    for message in messages {
        notifications::message("info", Some("conformance"), json!(message));
    }
    Output::text("Logging test completed")
}

fn reporting() -> Output {
    for (done, message) in [(0.0, "Starting"), (50.0, "Halfway"), (100.0, "Complete")] {
        progress::report(done, Some(100.0), Some(message));
    }
    Output::text("Progress test completed")
}

/// The list stays as it is: what the suite tests is whether listeners hear of it.
fn changing(what: &str) -> Output {
    notifications::list_changed(what);
    Output::text(["The list of ", what, " changed."].concat())
}

#[cfg(test)]
mod tests {
    use portcullis_plugin::testing::{Heard, take};

    #[test]
    fn progress_grows_from_zero_to_the_total() {
        drop(take());
        super::call("test_tool_with_progress");
        let heard = take().into_iter().map(|heard| match heard {
            Heard::Progress { progress, .. } => progress,
            _ => f64::NAN,
        });
        assert_eq!(heard.collect::<Vec<_>>(), [0.0, 50.0, 100.0]);
    }
}
