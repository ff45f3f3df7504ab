//! A list of 2,000 clusters in 200 namespaces: a page of the tool, against the very requests that it made.

use anyhow::anyhow;
use kubesim::{Kubesim, Options, Recorded, example_cluster};
use portcullis_tests::host::Installation;
use serde_json::json;

use crate::load::{Connection, Request, runtime};
use crate::plugin::timed;
use crate::process::Serving;
use crate::table::{Row, median};

/// Pairs of measurements.
const PAIRS: usize = 30;

/// Namespaces, and clusters in each.
const FLEET: (usize, usize) = (200, 10);

/// The row.
pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let kubesim = Kubesim::start(Options { operator_step: None, ..Options::default() })?;
    for namespace in 0..FLEET.0 {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("team-{namespace:03}")}});
        kubesim.create(&object).map_err(|refused| anyhow!("{refused:?}"))?;
        for number in 0..FLEET.1 {
            let cluster = example_cluster(&format!("team-{namespace:03}"), &format!("db-{number}"), 3);
            kubesim.create(&cluster).map_err(|refused| anyhow!("{refused:?}"))?;
        }
    }
    let installation = Installation::new(&[("portcullis-cnpg", "plugins/cnpg")], Some(&kubesim.kubeconfig_yaml("anybody")))?;
    let host = Serving::host(&installation)?;
    host.ready()?;
    let (mut ratios, requests) = runtime()?.block_on(pairs(&kubesim, &host))?;
    let ratio = median(&mut ratios);
    let measured = format!("{ratio:.2} x the API server's own time for the same {requests} request(s)");
    Ok(vec![Row::aimed("a page of 2,000 clusters in 200 namespaces", measured, "<= 1.3 x", ratio <= 1.3)])
}

async fn pairs(kubesim: &Kubesim, host: &Serving) -> anyhow::Result<(Vec<f64>, usize)> {
    let list = Request::tool("list_postgres_clusters", &json!({"all_namespaces": true}), "next_cursor");
    let mut caller = Connection::open(host.address()).await?;
    kubesim.take_requests();
    caller.ask(&list).await?;
    let direct: Vec<Request> = kubesim.take_requests().iter().map(again).collect();
    let mut client = Connection::open(kubesim.url().trim_start_matches("http://")).await?;
    let mut ratios = Vec::new();
    for _ in 0..PAIRS {
        let with = timed(&mut caller, std::slice::from_ref(&list)).await?;
        let without = timed(&mut client, &direct).await?;
        ratios.push(with.as_secs_f64() / without.as_secs_f64());
    }
    Ok((ratios, direct.len()))
}

/// The same request, in the form that the tool asked for.
fn again(recorded: &Recorded) -> Request {
    let query: Vec<String> = recorded.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let accept = recorded.header("accept").unwrap_or("application/json");
    Request::get_as(&format!("{}?{}", recorded.path, query.join("&")), accept, "\"kind\"")
}
