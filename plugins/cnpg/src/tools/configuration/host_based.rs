//! set_pg_hba: who may connect from where, and how they prove who they are. The list is ordered (the first line that fits decides), so
//! that the answer shows it whole. Source: PostgreSQL, "The pg_hba.conf File"; CloudNativePG, "PostgreSQL configuration".

use serde::Deserialize;
use serde_json::Value;

use super::lines::{self, check, same};
use crate::answer::Outcome;
use crate::arguments::read;
use crate::call::Call;
use crate::catalogue::{Entry, Hints};
use crate::change::{Change, REQUIRED, Wanted, Words, shape_of_change};
use crate::cluster::Cluster;
use crate::consent::{Consent, Danger, as_seen, obtain};
use crate::guard;
use crate::json::{json, texts};
use crate::kind::CLUSTERS;
use crate::parameter::{CONFIRM, CONFIRM_NAME, DRY_RUN, NAME, NAMESPACE, Parameter, Takes};
use crate::problem::Problem;
use crate::profile::Level;
use crate::rule::Rule;
use crate::shape::Shape;
use crate::text::short;

/// Where the lines are.
const FIELD: &str = "/spec/postgresql/pg_hba";
/// A list of lines. Its limits are far above any real list; the API server has none of its own.
const LINES: Takes =
    Takes::Json(r#"{"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 1024}, "maxItems": 200}"#);

pub(crate) const TOOL: Entry = Entry {
    name: "set_pg_hba",
    title: "Set who may connect",
    description: "Change a cluster's lines of pg_hba.conf: which roles may connect to which databases from where, and how they authenticate. Either the whole list (`rules`), or lines to `add` and `remove`. The first line that fits decides; CloudNativePG puts its own lines before them and a password rule for everybody behind them. A reload applies them. Lines that let in without a password need the human's consent.",
    parameters: &[
        NAME,
        Parameter::optional(
            "rules",
            LINES,
            "null",
            "The whole list in its order, e.g. `[\"hostssl app app 10.0.0.0/8 scram-sha-256\"]`; an empty one removes all.",
        ),
        Parameter::optional(
            "add",
            LINES,
            "null",
            "Lines to add, in this order. Those that are there already stay where they are.",
        ),
        Parameter::optional("remove", LINES, "null", "Lines to take out, as they are written (blanks do not matter)."),
        Parameter::optional(
            "position",
            Takes::Choice(&["first", "last"]),
            "\"last\"",
            "Where `add` puts its lines: before the others, or behind them.",
        ),
        CONFIRM,
        CONFIRM_NAME,
        NAMESPACE,
        DRY_RUN,
    ],
    shape: Shape {
        properties: shape_of_change!(
            r#", "rules": {"type": "array", "items": {"type": "string"}, "description": "The list as it is (or would be)"},
"confirmed_by": {"enum": ["human", "confirm_name", null]}"#
        ),
        required: REQUIRED,
    },
    hints: Hints { read_only: false, destructive: true, idempotent: true },
    level: Level::Operate,
    promised: false,
    rules: &[Rule::on(CLUSTERS, &["get", "patch"])],
    run,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    rules: Option<Vec<String>>,
    add: Option<Vec<String>>,
    remove: Option<Vec<String>>,
    position: Option<String>,
    confirm: Option<bool>,
    confirm_name: Option<String>,
    namespace: Option<String>,
    dry_run: Option<bool>,
}

fn run(call: &Call<'_>, arguments: &str) -> Result<Outcome, Problem> {
    let input: Input = read(arguments)?;
    examine(&input)?;
    let decide = |object: &Value| {
        let cluster = Cluster(object);
        guard::is_looked_after(cluster)?;
        let (has, wanted) = (texts(object, FIELD), lines(&input, cluster)?);
        let patch = json!({"spec": {"postgresql": {"pg_hba": wanted}}});
        Ok((has != wanted).then(|| Wanted::merge(patch, notes(&has, &wanted))))
    };
    let change = Change::of_cluster(call, input.namespace.as_deref(), &input.name, input.dry_run, &decide);
    let Some(seen) = change.look()? else { return Ok(change.same("has these lines already", &json!({})).into()) };
    let cluster = Cluster(&seen.object);
    let open = opened(&texts(&seen.object, FIELD), &lines(&input, cluster)?);
    let mut by = None;
    if !open.is_empty() && !change.dry_run {
        match obtain(call, &danger(&input, cluster, &as_seen(&seen.object), &open))? {
            Consent::Given(who) => by = Some(who),
            Consent::Ask(question) => return Ok(Outcome::Ask(question)),
        }
    }
    let done = change.make_agreed(seen, by).map_err(|problem| problem.renamed(&[("rules", parameter(&input))]))?;
    let rules: Vec<String> = texts(done.object(), FIELD).into_iter().map(lines::shown).collect();
    let words = Words {
        would: "would have its lines of pg_hba.conf changed".into(),
        did: "has its lines of pg_hba.conf changed; connections that are open stay".into(),
        next: "`get_cluster_logs` shows who is refused",
        extra: json!({"rules": rules, "confirmed_by": by}),
    };
    Ok(done.answer(&words).into())
}

/// The parameter in which the lines are.
fn parameter(input: &Input) -> &'static str {
    if input.rules.is_some() { "rules" } else { "add" }
}

fn examine(input: &Input) -> Result<(), Problem> {
    if input.rules.is_some() == (input.add.is_some() || input.remove.is_some()) {
        let message = "either the whole list is given, or lines to `add` or `remove`";
        return Err(Problem::argument("rules", message, "Give `rules` alone, or `add` and `remove` without it."));
    }
    for line in input.rules.iter().chain(&input.add).flatten() {
        check(line).map_err(|why| {
            let message = format!("`{}` {why}", lines::shown(line));
            Problem::argument(parameter(input), message, "Write e.g. `hostssl app app 10.0.0.0/8 scram-sha-256`.")
        })?;
    }
    Ok(())
}

/// The list that is wanted, decided on the one that is there.
fn lines<'a>(input: &'a Input, cluster: Cluster<'a>) -> Result<Vec<&'a str>, Problem> {
    if let Some(rules) = &input.rules {
        return Ok(rules.iter().map(String::as_str).collect());
    }
    let mut all = texts(cluster.0, FIELD);
    for line in input.remove.iter().flatten() {
        let before = all.len();
        all.retain(|one| !same(one, line));
        if all.len() == before && !input.add.iter().flatten().any(|one| same(one, line)) {
            return Err(unknown(cluster, line, &all));
        }
    }
    let fresh = input.add.iter().flatten().map(String::as_str).filter(|line| !all.iter().any(|one| same(one, line)));
    let fresh: Vec<&str> = fresh.collect();
    let at = if input.position.as_deref() == Some("first") { 0 } else { all.len() };
    all.splice(at..at, fresh);
    Ok(all)
}

fn unknown(cluster: Cluster<'_>, line: &str, all: &[&str]) -> Problem {
    let message = format!("cluster `{}` has no line `{}`", cluster.name(), lines::shown(line));
    let has: Vec<String> = all.iter().map(|one| format!("`{}`", lines::shown(one))).collect();
    let has = if has.is_empty() { "It has none of its own.".into() } else { format!("It has {}.", short(&has.join(", "))) };
    Problem::argument("remove", message, has)
}

/// Lines that are new and let in without a password.
fn opened<'a>(has: &[&str], wanted: &[&'a str]) -> Vec<&'a str> {
    wanted.iter().copied().filter(|line| lines::is_open(line) && !has.iter().any(|one| same(one, line))).collect()
}

fn notes(has: &[&str], wanted: &[&str]) -> Vec<String> {
    let mut out = vec!["a reload applies it, without a restart; the first line that fits decides".to_owned()];
    let gone = has.iter().filter(|line| !wanted.iter().any(|one| same(one, line))).count();
    if gone > 0 {
        out.push(format!("{gone} of the lines that are there go: who got in by them alone does not any more"));
    }
    out.extend(opened(has, wanted).iter().map(|line| format!("`{}` lets in without a password", lines::shown(line))));
    out
}

fn danger<'a>(input: &'a Input, cluster: Cluster<'a>, identity: &'a str, open: &[&str]) -> Danger<'a> {
    let line =
        |one: &&str| format!("- `{}`: whoever matches it connects as any role it names, without a password\n", lines::shown(one));
    Danger {
        tool: "set_pg_hba",
        noun: "cluster",
        name: cluster.name(),
        identity,
        question: format!("Let clients into PostgreSQL cluster {}/{} without a password?", cluster.namespace(), cluster.name()),
        impact: open.iter().map(line).collect(),
        undone: "was not changed",
        flag: Some(("confirm", input.confirm)),
        confirm_name: input.confirm_name.as_deref(),
    }
}
