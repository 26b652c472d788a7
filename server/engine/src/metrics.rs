//! What operators watch: every name, in one place.

use std::{fs, time::Duration};

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tickwire_shared::CloseReason;

use crate::replication::Clamped;

/// Upper ends of the tick time's buckets, in seconds: fine around what 20 and 60 Hz leave.
const TICK_SECONDS_BUCKETS: &[f64] = &[
    0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04,
    0.05, 0.075, 0.1, 0.25, 0.5, 1.0,
];

/// Starts collecting. Once per process: later calls share the first one's handle.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    static HANDLE: std::sync::Mutex<Option<PrometheusHandle>> = std::sync::Mutex::new(None);
    let mut installed = HANDLE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(
            Matcher::Full(String::from("tickwire_tick_seconds")),
            TICK_SECONDS_BUCKETS,
        )?
        .install_recorder()?;
    describe();
    *installed = Some(handle.clone());
    Ok(handle)
}

fn describe() {
    describe_histogram!("tickwire_tick_seconds", "Time that a tick takes");
    describe_gauge!("tickwire_tick_seconds_max", "Longest tick so far");
    describe_counter!("tickwire_tick_overruns_total", "Ticks that ended after the next was due");
    describe_gauge!("tickwire_sessions", "Sessions with a transport attached, by transport");
    describe_gauge!("tickwire_listeners", "Who listens to channels beside the players, by way");
    describe_counter!("tickwire_frames_sent_total", "Frames sent, by transport");
    describe_counter!("tickwire_bytes_sent_total", "Bytes of frames sent");
    describe_counter!("tickwire_frames_received_total", "Frames received");
    describe_counter!("tickwire_bytes_received_total", "Bytes of frames received");
    describe_counter!(
        "tickwire_connections_refused_total",
        "Connections beyond the most there are"
    );
    describe_counter!("tickwire_closes_total", "Sessions and requests ended, by reason");
    describe_counter!("tickwire_inputs_late_total", "Inputs that came after their tick");
    describe_counter!("tickwire_values_clamped_total", "Values off their grid, by field");
    describe_counter!("tickwire_desyncs_total", "Client worlds that were not the server's");
    describe_counter!(
        "tickwire_queue_messages_total",
        "Messages from the message queue, by outcome: published, repeated (known already), refused"
    );
    describe_gauge!("tickwire_queue_connected", "1 while publications come from the message queue");
    describe_counter!("tickwire_process_cpu_seconds_total", "CPU time of this process");
    describe_gauge!("tickwire_process_resident_bytes", "Memory of this process");
}

/// The page for Prometheus.
pub fn render(handle: &PrometheusHandle) -> String {
    measure_process();
    handle.run_upkeep();
    handle.render()
}

pub(crate) fn tick_made(took: Duration) {
    histogram!("tickwire_tick_seconds").record(took);
    LONGEST_TICK.observe(took);
}

pub(crate) fn tick_overrun() {
    counter!("tickwire_tick_overruns_total").increment(1);
}

pub(crate) fn session_began(transport: &'static str) {
    gauge!("tickwire_sessions", "transport" => transport).increment(1.0);
}

pub(crate) fn session_ended(transport: &'static str) {
    gauge!("tickwire_sessions", "transport" => transport).decrement(1.0);
}

pub(crate) fn listener_began(way: &'static str) {
    gauge!("tickwire_listeners", "way" => way).increment(1.0);
}

pub(crate) fn listener_ended(way: &'static str) {
    gauge!("tickwire_listeners", "way" => way).decrement(1.0);
}

pub(crate) fn frame_sent(transport: &'static str, bytes: usize) {
    counter!("tickwire_frames_sent_total", "transport" => transport).increment(1);
    counter!("tickwire_bytes_sent_total").increment(bytes as u64);
}

pub(crate) fn frame_received(bytes: usize) {
    counter!("tickwire_frames_received_total").increment(1);
    counter!("tickwire_bytes_received_total").increment(bytes as u64);
}

pub(crate) fn closed(reason: CloseReason) {
    counter!("tickwire_closes_total", "reason" => reason.name()).increment(1);
}

pub(crate) fn connection_refused() {
    counter!("tickwire_connections_refused_total").increment(1);
}

pub(crate) fn inputs_late(count: u64) {
    counter!("tickwire_inputs_late_total").increment(count);
}

pub(crate) fn values_clamped(clamped: &Clamped) {
    let field = format!("{}.{}", clamped.component, clamped.field);
    counter!("tickwire_values_clamped_total", "field" => field).absolute(clamped.count);
}

pub(crate) fn desync() {
    counter!("tickwire_desyncs_total").increment(1);
}

/// What became of a message from the message queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum QueueOutcome {
    /// Whoever listens has it.
    Published,
    /// It had been published before.
    Repeated,
    /// It can never be published.
    Refused,
}

pub(crate) fn queue_message(outcome: QueueOutcome) {
    let outcome = match outcome {
        QueueOutcome::Published => "published",
        QueueOutcome::Repeated => "repeated",
        QueueOutcome::Refused => "refused",
    };
    counter!("tickwire_queue_messages_total", "outcome" => outcome).increment(1);
}

pub(crate) fn queue_connected(is_connected: bool) {
    gauge!("tickwire_queue_connected").set(if is_connected { 1.0 } else { 0.0 });
}

/// Reads `/proc`; on other systems the figures stay away.
fn measure_process() {
    if let Some(seconds) = cpu_seconds() {
        // Counters are whole numbers here; a gauge keeps the fraction.
        gauge!("tickwire_process_cpu_seconds_total").set(seconds);
    }
    if let Some(bytes) = resident_bytes() {
        gauge!("tickwire_process_resident_bytes").set(bytes);
    }
    gauge!("tickwire_tick_seconds_max").set(LONGEST_TICK.get().as_secs_f64());
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The command's name is in brackets and may hold spaces; fields count from after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<f64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((user + system) / CLOCK_TICKS_PER_SECOND)
}

fn resident_bytes() -> Option<f64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}

/// `USER_HZ`, which Linux fixes for user space on every architecture we know.
const CLOCK_TICKS_PER_SECOND: f64 = 100.0;
const PAGE_BYTES: f64 = 4096.0;

static LONGEST_TICK: Longest = Longest::new();

/// The longest of many durations.
struct Longest(std::sync::atomic::AtomicU64);

impl Longest {
    const fn new() -> Self {
        Self(std::sync::atomic::AtomicU64::new(0))
    }

    fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_max(nanos, std::sync::atomic::Ordering::Relaxed);
    }

    fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }
}
