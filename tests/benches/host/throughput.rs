//! `tools/call` over HTTP through a component, against rmcp's own server with a native function. Rounds alternate, and each round gives one
//! ratio, so that a machine that slows down slows both.

use std::time::Duration;

use anyhow::Context as _;
use portcullis_tests::guest;
use serde_json::json;

use crate::guests;
use crate::load::{self, Load, Request};
use crate::process::Serving;
use crate::table::{Row, median, quantile};

/// Pairs of measurements: an odd number has a middle.
const ROUNDS: usize = 5;

/// One measurement: long enough for tens of thousands of requests.
const LOAD: Load = Load { connections: 16, lasting: Duration::from_millis(1_500), pause: Duration::ZERO };

/// Before the first round: connections, caches and the processor's clock.
const WARM_UP: Load = Load { lasting: Duration::from_millis(500), ..LOAD };

/// All measurements of one server.
#[derive(Debug, Default)]
struct Series {
    rates: Vec<f64>,
    latencies: Vec<Duration>,
    processor: Option<Duration>,
}

impl Series {
    fn round(&mut self, server: &Serving, request: &Request) -> anyhow::Result<()> {
        let before = server.processor_time();
        let answers = load::put(server.address(), request, LOAD)?;
        self.rates.push(answers.rate());
        self.latencies.extend(answers.latencies);
        let spent = server.processor_time().zip(before).map(|(after, before)| after.saturating_sub(before));
        self.processor = spent.map(|spent| self.processor.unwrap_or_default() + spent);
        Ok(())
    }

    fn told(&mut self, name: &str) -> Row {
        let requests = u32::try_from(self.latencies.len()).unwrap_or(u32::MAX).max(1);
        let processor = self.processor.map_or_else(String::new, |spent| format!(", processor {:.1?}/request", spent / requests));
        let (rate, p50) = (median(&mut self.rates.clone()), quantile(&mut self.latencies, 0.5));
        let p99 = quantile(&mut self.latencies, 0.99);
        Row::told(format!("tools/call, 16 connections: {name}"), format!("{rate:.0}/s, p50 {p50:.1?}, p99 {p99:.1?}{processor}"))
    }
}

/// The rows.
pub(crate) fn rows() -> anyhow::Result<Vec<Row>> {
    let installation = guests::install(None, vec![("add", guest!("add")?, json!({}))])?;
    let (host, native) = (Serving::host(&installation)?, Serving::native()?);
    host.ready()?;
    let request = Request::tool("add", &json!({"a": 2, "b": 40}), r#""structuredContent":{"sum":42}"#);
    load::put(host.address(), &request, WARM_UP).context("the host")?;
    load::put(native.address(), &request, WARM_UP).context("the native server")?;
    let (mut through, mut beside) = (Series::default(), Series::default());
    for _ in 0..ROUNDS {
        beside.round(&native, &request)?;
        through.round(&host, &request)?;
    }
    let mut ratios: Vec<f64> = through.rates.iter().zip(&beside.rates).map(|(ours, theirs)| ours / theirs).collect();
    let ratio = median(&mut ratios);
    let (least, most) = (ratios.first().copied().unwrap_or_default(), ratios.last().copied().unwrap_or_default());
    let measured = format!("{ratio:.2} x ({least:.2} to {most:.2})");
    let row = Row::aimed("component / native, requests per second", measured, ">= 0.75 x, goal 1.2 x", ratio >= 0.75);
    Ok(vec![beside.told("rmcp, native"), through.told("host, component"), row])
}
