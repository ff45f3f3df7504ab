//! A guest that never returns: how long after its deadline it is stopped, and what the calls beside it feel.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portcullis_tests::guest;
use serde_json::json;

use crate::guests;
use crate::load::{self, Connection, Load, Request, runtime};
use crate::process::Serving;
use crate::table::{Row, median, quantile};

/// The runaway's deadline (milliseconds).
const DEADLINE: u64 = 100;

/// Runaways that the overshoot is taken of.
const RUNAWAYS: usize = 50;

/// Pairs of measurements with and without a runaway.
const ROUNDS: usize = 5;

/// Callers that leave the host time: what they feel is the runaway and not each other.
const PACED: Load = Load { connections: 8, lasting: Duration::from_millis(1_500), pause: Duration::from_millis(5) };

/// Callers that take all they can get: a runaway takes its share of the processors from them.
const BUSY: Load = Load { connections: 16, pause: Duration::ZERO, ..PACED };

/// The rows.
pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let spin = ("infinite-loop", guest!("infinite_loop")?, json!({"limits": {"deadlineMs": DEADLINE}}));
    let installation = guests::install(None, vec![("add", guest!("add")?, json!({})), spin])?;
    let host = Serving::host(&installation)?;
    host.ready()?;
    let mut overshoots = overshoots(&host)?;
    let (p50, most) = (quantile(&mut overshoots, 0.5), quantile(&mut overshoots, 1.0));
    let most_aim = Duration::from_millis(10);
    let measured = format!("{p50:.1?} median, {most:.1?} longest of {RUNAWAYS}");
    let mut rows = vec![Row::aimed("runaway answered after its deadline", measured, "<= 10 ms", most <= most_aim)];
    for (name, load, aimed) in [("8 paced", PACED, true), ("16 busy", BUSY, false)] {
        let (alone, beside, ratio) = compare(&host, load)?;
        let what = format!("p99 of others beside a runaway, {name} connections");
        let measured = format!("{ratio:.2} x ({alone:.2?} alone, {beside:.2?} beside)");
        rows.push(if aimed { Row::aimed(what, measured, "<= 2 x", ratio <= 2.0) } else { Row::told(what, measured) });
    }
    Ok(rows)
}

fn spin() -> Request {
    Request::tool("spin", &json!({}), "deadlineMs")
}

/// Time from the deadline to the answer.
fn overshoots(host: &Serving) -> anyhow::Result<Vec<Duration>> {
    runtime()?.block_on(async {
        let (mut connection, request) = (Connection::open(host.address()).await?, spin());
        let mut overshoots = Vec::new();
        for _ in 0..RUNAWAYS {
            let sent = Instant::now();
            connection.ask(&request).await?;
            overshoots.push(sent.elapsed().saturating_sub(Duration::from_millis(DEADLINE)));
        }
        Ok(overshoots)
    })
}

/// Median p99 alone and beside a runaway, and the median of the rounds' ratios.
fn compare(host: &Serving, load: Load) -> anyhow::Result<(Duration, Duration, f64)> {
    let add = Request::tool("add", &json!({"a": 2, "b": 40}), "42");
    let p99 = || load::put(host.address(), &add, load).map(|mut answers| quantile(&mut answers.latencies, 0.99));
    let (mut alone, mut beside, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let without = p99()?;
        let with = beside_a_runaway(host, p99)?;
        ratios.push(with.as_secs_f64() / without.as_secs_f64());
        alone.push(without);
        beside.push(with);
    }
    Ok((quantile(&mut alone, 0.5), quantile(&mut beside, 0.5), median(&mut ratios)))
}

/// Measures while one caller has a runaway at all times.
fn beside_a_runaway(host: &Serving, measure: impl FnOnce() -> anyhow::Result<Duration>) -> anyhow::Result<Duration> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let runaway = scope.spawn(|| {
            runtime()?.block_on(async {
                let (mut connection, request) = (Connection::open(host.address()).await?, spin());
                while !done.load(Ordering::Relaxed) {
                    connection.ask(&request).await?;
                }
                anyhow::Ok(())
            })
        });
        let measured = measure();
        done.store(true, Ordering::Relaxed);
        runaway.join().map_err(|_| anyhow::anyhow!("the runaway's caller panicked"))??;
        measured
    })
}
