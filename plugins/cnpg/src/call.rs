//! One call of a tool: what it may use, and requests whose errors are already explained. Tools speak to the API through this.

use portcullis_plugin::kubernetes::PatchKind;
use portcullis_plugin::kubernetes::{
    Api, DeleteOptions, GetRequest, ListRequest, METADATA, OBJECT, Read, Reply, Status, Target, WriteOptions,
};
use serde::Deserialize;
use serde_json::Value;

use crate::explain::{Action, explain};
use crate::port::Host;
use crate::problem::Problem;
use crate::settings::Settings;

/// The field manager of everything that this plugin writes.
pub(crate) const MANAGER: &str = "portcullis-cnpg";

/// What the host says about a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    /// Milliseconds from the beginning of the call to its end by force.
    pub(crate) deadline_ms: u32,
    pub(crate) can_ask: Vec<String>,
    /// Replies of the human, by question key.
    pub(crate) answers: Vec<(String, Value)>,
    /// What went out with the question.
    pub(crate) state: Option<Value>,
}

/// One call.
pub(crate) struct Call<'a> {
    pub(crate) api: &'a dyn Api,
    pub(crate) host: &'a dyn Host,
    pub(crate) context: &'a Context,
    pub(crate) settings: &'a Settings,
}

/// An object as the API server stored it (or would), with its warnings.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) object: Value,
    pub(crate) warnings: Vec<String>,
}

fn options(dry_run: bool) -> WriteOptions {
    WriteOptions::strict(MANAGER).dry_run(dry_run)
}

/// A JSON body.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Problem> {
    serde_json::from_str(body).map_err(|error| Problem {
        code: 502,
        reason: "BadReply".into(),
        message: format!("the API server answered with something that is not the JSON asked for: {error}").into(),
        retryable: true,
        hint: "Try again; if it stays, a proxy between the host and the API server is answering in its place.".into(),
        ..Problem::default()
    })
}

fn written(result: Result<Reply, Status>, action: &Action<'_>) -> Result<Written, Problem> {
    let reply = result.map_err(|status| explain(status, action))?;
    Ok(Written { object: parse(&reply.body)?, warnings: reply.warnings })
}

impl Call<'_> {
    /// The namespace asked for, else the operator's default, else the host's.
    pub(crate) fn namespace(&self, asked: Option<&str>) -> String {
        asked
            .map(str::to_owned)
            .or_else(|| self.settings.default_namespace.clone())
            .unwrap_or_else(|| self.api.default_namespace())
    }

    pub(crate) fn get(&self, target: &Target) -> Result<Value, Problem> {
        written(self.api.get(&GetRequest { target: target.clone(), form: OBJECT.into() }), &Action::new("get", target))
            .map(|done| done.object)
    }

    pub(crate) fn list(&self, request: &ListRequest) -> Result<Value, Problem> {
        written(self.api.list(request), &Action::new("list", &request.target)).map(|done| done.object)
    }

    /// The same as text, for lists of which not everything is shown.
    pub(crate) fn list_unread(&self, request: &ListRequest) -> Result<String, Problem> {
        self.api.list(request).map(|reply| reply.body).map_err(|status| explain(status, &Action::new("list", &request.target)))
    }

    /// Several reads at once, each with its own result.
    pub(crate) fn read_many(&self, reads: &[Read]) -> Vec<Result<Value, Problem>> {
        let explained = |(one, read): (Result<Reply, Status>, &Read)| {
            let action = match read {
                Read::Get(request) => Action::new("get", &request.target),
                Read::List(request) => Action::new("list", &request.target),
            };
            written(one, &action).map(|done| done.object)
        };
        self.api.read_many(reads).into_iter().zip(reads).map(explained).collect()
    }

    pub(crate) fn create(&self, target: &Target, object: &Value, dry_run: bool) -> Result<Written, Problem> {
        written(self.api.create(target, &object.to_string(), &options(dry_run)), &Action::new("create", target))
    }

    /// Merge patch; the body carries the resourceVersion it was decided on.
    pub(crate) fn merge(&self, target: &Target, patch: &Value, dry_run: bool) -> Result<Written, Problem> {
        written(self.api.patch(target, PatchKind::Merge, &patch.to_string(), &options(dry_run)), &Action::new("patch", target))
    }

    /// JSON patch (RFC 6902); its first operation tests what it was decided on.
    pub(crate) fn edit(&self, target: &Target, operations: &Value, dry_run: bool) -> Result<Written, Problem> {
        written(
            self.api.patch(target, PatchKind::Json, &operations.to_string(), &options(dry_run)),
            &Action::new("patch", target),
        )
    }

    /// Server-side apply without force, for Secrets that are wholly ours: a conflict names the other manager, and only metadata comes back.
    pub(crate) fn apply_secret(&self, target: &Target, object: &Value, dry_run: bool) -> Result<Written, Problem> {
        let options = WriteOptions { reply: METADATA.into(), ..options(dry_run) };
        written(self.api.apply(target, &object.to_string(), &options, false), &Action::new("patch", target))
    }

    /// Deletes exactly the object that was looked at.
    pub(crate) fn delete(&self, target: &Target, fences: &DeleteOptions) -> Result<Written, Problem> {
        written(self.api.delete(target, fences), &Action::new("delete", target))
    }

    /// Milliseconds left before the host ends the call by force.
    pub(crate) fn remaining_ms(&self) -> u64 {
        u64::from(self.context.deadline_ms).saturating_sub(self.host.elapsed_ms())
    }
}
