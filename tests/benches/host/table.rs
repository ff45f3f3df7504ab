//! Rows of the result, what makes a figure of many samples, and the printing.

use std::time::Duration;

/// One measured figure.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    measured: String,
    aim: String,
    met: Option<bool>,
}

impl Row {
    /// A figure with an aim.
    pub(crate) fn aimed(what: impl Into<String>, measured: impl Into<String>, aim: &str, met: bool) -> Self {
        Self { what: what.into(), measured: measured.into(), aim: aim.to_owned(), met: Some(met) }
    }

    /// A figure that explains another one.
    pub(crate) fn told(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { what: what.into(), measured: measured.into(), aim: String::new(), met: None }
    }

    /// A figure in MiB or KiB, if this system tells it.
    pub(crate) fn bytes(what: &str, measured: Option<u64>, unit: (u64, &str), most: u64) -> Self {
        let (size, name) = unit;
        let aim = format!("<= {most} {name}");
        match measured {
            Some(bytes) => Self::aimed(what, format!("{:.1} {name}", bytes as f64 / size as f64), &aim, bytes <= most * size),
            None => Self { what: what.to_owned(), measured: String::from("not told by this system"), aim, met: None },
        }
    }
}

/// 1 KiB and its name.
pub(crate) const KIB: (u64, &str) = (1 << 10, "KiB");

/// 1 MiB and its name.
pub(crate) const MIB: (u64, &str) = (1 << 20, "MiB");

/// The value below which this share of the samples lies; zero of none.
pub(crate) fn quantile(samples: &mut [Duration], share: f64) -> Duration {
    samples.sort_unstable();
    let place = (samples.len() as f64 * share) as usize;
    samples.get(place.min(samples.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// The middle one of figures that are no times; zero of none.
pub(crate) fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Prints the table.
pub(crate) fn print(rows: &[Row]) {
    let width = |column: fn(&Row) -> &str, title: &str| {
        rows.iter().map(|row| column(row).chars().count()).chain([title.len()]).max().unwrap_or_default()
    };
    let (first, second) = (width(|row| &row.what, "what"), width(|row| &row.measured, "measured"));
    let third = width(|row| &row.aim, "aim");
    println!("\n{:first$}  {:second$}  {:third$}  verdict", "what", "measured", "aim");
    for Row { what, measured, aim, met } in rows {
        let verdict = met.map_or("", |met| if met { "met" } else { "MISSED" });
        println!("{what:first$}  {measured:second$}  {aim:third$}  {verdict}");
    }
}
