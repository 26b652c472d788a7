//! Reads a server's Prometheus page, and says what happened between two readings.

use anyhow::{Context as _, Result};
use serde::Serialize;

/// A server's figures at one moment.
#[derive(Clone, Debug, Default)]
pub struct Scrape {
    cpu_seconds: Option<f64>,
    resident_bytes: Option<f64>,
    overruns: f64,
    longest_tick: Option<f64>,
    /// Upper end in seconds, and how many ticks took at most that long.
    buckets: Vec<(f64, f64)>,
}

/// What a server did over a stretch of time.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ServerFigures {
    /// Processors that it kept busy.
    pub cpu_cores: Option<f64>,
    /// Memory at the end, in bytes.
    pub rss_bytes: Option<u64>,
    /// Time that ticks took, in milliseconds.
    pub tick_ms: TickMs,
    /// Ticks that ended after the next was due.
    pub overruns: u64,
}

/// Time that ticks took, in milliseconds. Quantiles are interpolated within the server's buckets;
/// the longest is that since the server's start.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TickMs {
    /// Median.
    pub p50: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Longest.
    pub max: Option<f64>,
}

impl Scrape {
    /// Asks the server.
    pub async fn take(url: &str) -> Result<Self> {
        let page = reqwest::get(url).await.context("asking for the metrics")?;
        let page = page.error_for_status().context("asking for the metrics")?;
        Ok(Self::read(&page.text().await.context("reading the metrics")?))
    }

    /// Reads the text format of Prometheus.
    pub fn read(text: &str) -> Self {
        let mut scrape = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            match name {
                "tickwire_process_cpu_seconds_total" => scrape.cpu_seconds = Some(value),
                "tickwire_process_resident_bytes" => scrape.resident_bytes = Some(value),
                "tickwire_tick_overruns_total" => scrape.overruns = value,
                "tickwire_tick_seconds_max" => scrape.longest_tick = Some(value),
                _ => scrape.buckets.extend(bucket_end(name).map(|end| (end, value))),
            }
        }
        scrape
    }

    /// Memory of the server's process.
    pub const fn resident_bytes(&self) -> Option<f64> {
        self.resident_bytes
    }

    /// What happened from `earlier` to here, `seconds` later.
    pub fn since(&self, earlier: &Self, seconds: f64) -> ServerFigures {
        let cpu = self.cpu_seconds.zip(earlier.cpu_seconds);
        let buckets: Vec<_> = self
            .buckets
            .iter()
            .map(|(end, count)| {
                let before = earlier.buckets.iter().find(|(other, _)| other == end);
                (*end, count - before.map_or(0.0, |(_, count)| *count))
            })
            .collect();
        ServerFigures {
            cpu_cores: cpu.map(|(now, before)| (now - before) / seconds),
            rss_bytes: self.resident_bytes.map(|bytes| bytes as u64),
            tick_ms: TickMs {
                p50: quantile(&buckets, 0.5).map(|seconds| seconds * 1e3),
                p99: quantile(&buckets, 0.99).map(|seconds| seconds * 1e3),
                max: self.longest_tick.map(|seconds| seconds * 1e3),
            },
            overruns: (self.overruns - earlier.overruns) as u64,
        }
    }
}

fn bucket_end(name: &str) -> Option<f64> {
    let end = name.strip_prefix("tickwire_tick_seconds_bucket{le=\"")?.strip_suffix("\"}")?;
    if end == "+Inf" { Some(f64::INFINITY) } else { end.parse().ok() }
}

/// By linear interpolation within the bucket, as Prometheus does.
fn quantile(buckets: &[(f64, f64)], share: f64) -> Option<f64> {
    let total = buckets.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
    let wanted = total * share;
    let (mut begin, mut below) = (0.0, 0.0);
    for (end, count) in buckets {
        if *count >= wanted {
            let inside = if *count > below { (wanted - below) / (count - below) } else { 0.0 };
            return Some(if end.is_finite() { begin + (end - begin) * inside } else { begin });
        }
        (begin, below) = (*end, *count);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# TYPE tickwire_tick_seconds histogram
tickwire_tick_seconds_bucket{le=\"0.001\"} 50
tickwire_tick_seconds_bucket{le=\"0.002\"} 150
tickwire_tick_seconds_bucket{le=\"+Inf\"} 150
tickwire_tick_overruns_total 3
tickwire_process_cpu_seconds_total 7.5
tickwire_process_resident_bytes 1000000
tickwire_tick_seconds_max 0.0018
";

    #[test]
    fn figures_are_differences_of_two_readings() {
        let before = Scrape::read(
            "tickwire_tick_seconds_bucket{le=\"0.001\"} 50\n\
             tickwire_tick_seconds_bucket{le=\"0.002\"} 50\n\
             tickwire_tick_seconds_bucket{le=\"+Inf\"} 50\n\
             tickwire_tick_overruns_total 1\ntickwire_process_cpu_seconds_total 5\n",
        );
        let figures = Scrape::read(PAGE).since(&before, 10.0);
        assert_eq!(figures.cpu_cores, Some(0.25));
        assert_eq!(figures.overruns, 2);
        assert_eq!(figures.rss_bytes, Some(1_000_000));
        let p50 = figures.tick_ms.p50.expect("there were ticks");
        assert!((p50 - 1.5).abs() < 1e-9, "all 100 ticks lie between 1 and 2 ms: {p50}");
        let max = figures.tick_ms.max.expect("there is a longest");
        assert!((max - 1.8).abs() < 1e-9);
    }
}
