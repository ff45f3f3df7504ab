//! What `get_cluster_status` adds to the API server's own time: a call of the tool, against the very requests that it made.

use std::time::{Duration, Instant};

use anyhow::ensure;
use kubesim::{Kubesim, Options};
use portcullis_tests::host::Installation;
use serde_json::json;

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
    let (mut tool, mut server, mut added, requests) = runtime()?.block_on(pairs(&kubesim, &host))?;
    let (tool, server) = (quantile(&mut tool, 0.5), quantile(&mut server, 0.5));
    let (p50, p99) = (quantile(&mut added, 0.5), quantile(&mut added, 0.99));
    let measured = format!("{p50:.0?}, p99 {p99:.0?} ({tool:.0?} - {server:.0?} for {requests} GET)");
    Ok(vec![Row::aimed("get_cluster_status adds to the API server", measured, "<= 1 ms", p50 <= Duration::from_millis(1))])
}

type Samples = (Vec<Duration>, Vec<Duration>, Vec<Duration>, usize);

/// One call after the other, each followed by its requests without the host.
async fn pairs(kubesim: &Kubesim, host: &Serving) -> anyhow::Result<Samples> {
    let status = Request::tool("get_cluster_status", &json!({"name": "orders", "namespace": "demo"}), r#""isError":false"#);
    let mut caller = Connection::open(host.address()).await?;
    kubesim.take_requests();
    caller.ask(&status).await?;
    let made = kubesim.take_requests();
    ensure!(!made.is_empty() && made.iter().all(|one| one.method == "GET"), "the tool made no plain requests: {made:?}");
    let direct: Vec<Request> = made.iter().map(|one| Request::get(&one.path, "\"kind\"")).collect();
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

async fn timed(connection: &mut Connection, requests: &[Request]) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    for request in requests {
        connection.ask(request).await?;
    }
    Ok(begin.elapsed())
}
