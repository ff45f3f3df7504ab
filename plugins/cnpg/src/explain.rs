//! A Status becomes a [`Problem`]: what happened, whether to try again, what to do next. Source: Kubernetes API conventions,
//! "HTTP Status codes", and the host's own reasons in `portcullis:kubernetes/api`.

use portcullis_plugin::kubernetes::{Status, Target};

use crate::field;
use crate::problem::{Cause, Problem};
use crate::rule;
use crate::text::{flat, short};

/// What was tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Action<'a> {
    /// RBAC verb.
    pub(crate) verb: &'static str,
    pub(crate) target: &'a Target,
    pub(crate) subresource: &'a str,
}

impl<'a> Action<'a> {
    pub(crate) fn new(verb: &'static str, target: &'a Target) -> Self {
        Self { verb, target, subresource: target.subresource.as_deref().unwrap_or_default() }
    }

    fn words(&self) -> String {
        let name = self.target.name.as_deref().map(|name| format!(" `{name}`")).unwrap_or_default();
        let place = self.target.namespace.as_deref();
        let place = place.map_or_else(|| " in all namespaces".to_owned(), |one| format!(" in namespace `{one}`"));
        format!("{} {}{name}{place}", self.verb, self.target.plural)
    }

    fn writes(&self) -> bool {
        !matches!(self.verb, "get" | "list" | "watch")
    }
}

const STATUS: &str = "get_cluster_status";
const LIST: &str = "list_postgres_clusters";

/// Explains a refusal.
pub(crate) fn explain(status: Status, action: &Action<'_>) -> Problem {
    let causes = status.causes.iter().map(|one| Cause {
        parameter: field::parameter(&action.target.plural, &one.field)
            .or_else(|| field::named_in(&action.target.plural, &one.message))
            .map(Into::into),
        field: one.field.clone(),
        message: flat(&one.message),
    });
    let problem = Problem {
        code: status.code,
        reason: status.reason.as_str().into(),
        message: format!("{}: {}", action.words(), flat(&status.message)).into(),
        retry_after_ms: status.retry_after_ms,
        causes: causes.collect(),
        ..Problem::default()
    };
    match (status.code, status.reason.as_str()) {
        (0, _) => no_answer(problem, action),
        (403, _) if status.origin == "grant" => not_granted(problem, &status.message, action),
        (403, _) if status.message.contains(" cannot ") => not_permitted(problem, action),
        (401, reason) if reason != "ProxyError" => hinted(
            problem,
            "The host's credentials for the API server are refused or expired: its operator must renew them (kubeconfig or service account).",
            &[],
        ),
        (403, _) => hinted(
            problem,
            "An admission rule of the cluster (webhook, quota or policy) refused it, not RBAC: change what its message names.",
            &[],
        ),
        (404, _) => not_found(problem, &status.message, action),
        (409, "AlreadyExists") => hinted(problem, "It exists already. Look at it, or choose another name.", &[STATUS, LIST]),
        (409, _) if status.message.contains("Apply failed with") => owned_by_another(problem),
        (409, _) => retry(problem, "It changed while this call was deciding. Look at it again, then repeat the call.", &[STATUS]),
        (410, _) => {
            retry(problem, "The server no longer keeps the state that the cursor points to: ask again without `cursor`.", &[LIST])
        }
        (400 | 422, _) => hinted(
            problem,
            "Nothing was changed. Correct the parameters named above; `dry_run: true` checks again without changing anything.",
            &[],
        ),
        (429, _) => retry(problem, "The API server limits its load: wait, then repeat the call.", &[]),
        (500.., _) => server_fault(problem, action),
        _ => problem,
    }
}

fn hinted(mut problem: Problem, hint: &str, next: &'static [&'static str]) -> Problem {
    problem.hint = hint.into();
    problem.next(next)
}

fn retry(mut problem: Problem, hint: &str, next: &'static [&'static str]) -> Problem {
    problem.retryable = true;
    if let Some(wait) = problem.retry_after_ms {
        problem.hint = format!("{hint} The server asks for {} s of patience.", wait.div_ceil(1000)).into();
        return problem.next(next);
    }
    hinted(problem, hint, next)
}

/// A server-side apply met fields that somebody else applies: trying again cannot help, and force would fight them.
fn owned_by_another(mut problem: Problem) -> Problem {
    let quoted = |words: &str| words.split_once("conflict with \"")?.1.split_once('"').map(|(name, _)| name.to_owned());
    let causes = problem.causes.iter().map(|one| one.message.as_str());
    let mut managers: Vec<String> = causes.chain([&*problem.message]).filter_map(quoted).collect();
    managers.sort_unstable();
    managers.dedup();
    let who = if managers.is_empty() { "another manager".into() } else { format!("`{}`", short(&managers.join("`, `"))) };
    let hint = format!(
        "Nothing was changed: these fields are managed by {who} (GitOps or another controller). Change them at their source; the same call again is refused again."
    );
    problem.reason = "GitOpsManaged".into();
    hinted(problem, &hint, &[])
}

/// A write that got no answer may have been carried out.
fn uncertain(problem: Problem, action: &Action<'_>, hint: &str) -> Problem {
    if action.writes() {
        let hint = format!("{hint} Whether the change was made is not known: look before repeating it.");
        return retry(problem, &hint, &[STATUS]);
    }
    retry(problem, hint, &[])
}

fn no_answer(problem: Problem, action: &Action<'_>) -> Problem {
    match &*problem.reason {
        "Timeout" => uncertain(problem, action, "The API server did not answer in time."),
        "Unreachable" => uncertain(
            problem,
            action,
            "The API server cannot be reached: the host's operator should check its address and network.",
        ),
        "Unconfigured" => hinted(
            problem,
            "The host knows no cluster: its operator sets `kubernetes` in portcullis.yaml, KUBECONFIG, or runs it in a cluster.",
            &[],
        ),
        "TooLarge" => hinted(
            problem,
            "The reply is larger than the host allows: ask for less (`limit`, `namespace`, `label_selector`, `sections`).",
            &[],
        ),
        _ => uncertain(problem, action, "The host got no usable answer."),
    }
}

fn server_fault(problem: Problem, action: &Action<'_>) -> Problem {
    if problem.message.contains("webhook") {
        return retry(
            problem,
            "The admission webhook of CloudNativePG does not answer: check that its operator is running.",
            &[],
        );
    }
    uncertain(problem, action, "The API server failed by itself. Try again shortly.")
}

/// The host says which file must change, and then the rule in YAML.
fn not_granted(mut problem: Problem, message: &str, action: &Action<'_>) -> Problem {
    let (words, rule) = message.split_once("\n- ").map_or((message, None), |(words, rest)| (words, Some(format!("- {rest}"))));
    problem.message = format!("{}: {words}", action.words()).into();
    let hint = if rule.is_some() {
        "Nothing was sent to the API server. The host's operator can add this rule:"
    } else {
        "Nothing was sent to the API server."
    };
    problem.missing_rule = rule.map(Into::into);
    hinted(problem, hint, &[])
}

fn not_permitted(mut problem: Problem, action: &Action<'_>) -> Problem {
    problem.missing_rule = Some(rule::missing(action.verb, action.target, action.subresource).into());
    let everywhere = if action.verb == "list" && action.target.namespace.is_none() {
        " Or ask for one `namespace` instead of all of them."
    } else {
        ""
    };
    let hint = format!(
        "RBAC of the API server does not allow it. This rule is missing; bind it to the identity named above.{everywhere}"
    );
    hinted(problem, &hint, &[])
}

fn not_found(problem: Problem, message: &str, action: &Action<'_>) -> Problem {
    // "404 page not found" is what a server without the CRD's group says; a list never lacks an object.
    let unknown = ["could not find the requested resource", "page not found"].iter().any(|words| message.contains(words));
    if unknown || action.verb == "list" {
        return hinted(
            problem,
            "This API server does not know the resource: CloudNativePG is not installed there, or is too old for it.",
            &[],
        );
    }
    if action.verb == "create" {
        return hinted(problem, "The namespace does not exist: create it first or name another `namespace`.", &[LIST]);
    }
    hinted(
        problem,
        "There is none of that name in this namespace: `list_postgres_clusters` with `all_namespaces: true` finds it elsewhere.",
        &[LIST],
    )
}
