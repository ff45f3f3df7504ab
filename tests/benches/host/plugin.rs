//! What `get_cluster_status` adds to the API server's own time: a call of the tool, against the very requests that it made.

use std::time::{Duration, Instant};

use anyhow::ensure;
use kubesim::{Kubesim, Options, Recorded};
use portcullis_tests::host::Installation;
use serde_json::{Value, json};

use crate::load::{Connection, Request, runtime};
use crate::process::Serving;
use crate::table::{Row, quantile};

/// Pairs of measurements.
const PAIRS: usize = 1_000;

/// Pairs before the first that counts.
const WARM_UP: usize = 50;

/// Time for the stand-in's operator to make its clusters healthy.
const SETTLE: Duration = Duration::from_secs(2);

/// The rows.
pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let kubesim = Kubesim::start(Options { demo: true, ..Options::default() })?;
    let installation = Installation::new(&[("portcullis-cnpg", "plugins/cnpg")], Some(&kubesim.kubeconfig_yaml("anybody")))?;
    let host = Serving::host(&installation)?;
    host.ready()?;
    std::thread::sleep(SETTLE);
    let orders = json!({"name": "orders", "namespace": "demo"});
    let (p50, measured) = added(&kubesim, &host, &orders)?;
    let concise = Row::aimed("get_cluster_status adds to the API server", measured, "<= 1 ms", p50 <= Duration::from_millis(1));
    let detailed = json!({"name": "orders", "namespace": "demo", "detail_level": "detailed"});
    // Without an aim: the tool reads most of it at once, and here the same is read one after the other.
    let (_, measured) = added(&kubesim, &host, &detailed)?;
    Ok(vec![concise, Row::told("the same, detailed", measured)])
}

/// What a call adds: the median, and words on it.
fn added(kubesim: &Kubesim, host: &Serving, arguments: &Value) -> anyhow::Result<(Duration, String)> {
    let (mut tool, mut server, mut added, requests) = runtime()?.block_on(pairs(kubesim, host, arguments))?;
    let (tool, server) = (quantile(&mut tool, 0.5), quantile(&mut server, 0.5));
    let (p50, p99) = (quantile(&mut added, 0.5), quantile(&mut added, 0.99));
    Ok((p50, format!("{p50:.0?}, p99 {p99:.0?} ({tool:.0?} - {server:.0?} for {requests} GET)")))
}

type Samples = (Vec<Duration>, Vec<Duration>, Vec<Duration>, usize);

/// One call after the other, each followed by its requests without the host.
async fn pairs(kubesim: &Kubesim, host: &Serving, arguments: &Value) -> anyhow::Result<Samples> {
    let status = Request::tool("get_cluster_status", arguments, r#""isError":false"#);
    let mut caller = Connection::open(host.address()).await?;
    kubesim.take_requests();
    caller.ask(&status).await?;
    let made = kubesim.take_requests();
    ensure!(!made.is_empty() && made.iter().all(|one| one.method == "GET"), "the tool made no plain requests: {made:?}");
    let direct: Vec<Request> = made.iter().map(|one| Request::get(&target(one), "{")).collect();
    let mut client = Connection::open(kubesim.url().trim_start_matches("http://")).await?;
    let (mut tool, mut server, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..WARM_UP + PAIRS {
        let with = timed(&mut caller, std::slice::from_ref(&status)).await?;
        let without = timed(&mut client, &direct).await?;
        if pair >= WARM_UP {
            tool.push(with);
            server.push(without);
            added.push(with.saturating_sub(without));
        }
    }
    Ok((tool, server, added, direct.len()))
}

/// Path and query as they were sent.
fn target(request: &Recorded) -> String {
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let query: Vec<String> = request.query.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    if query.is_empty() { request.path.clone() } else { format!("{}?{}", request.path, query.join("&")) }
}

pub(crate) async fn timed(connection: &mut Connection, requests: &[Request]) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    for request in requests {
        connection.ask(request).await?;
    }
    Ok(begin.elapsed())
}
