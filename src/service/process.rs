//! What operators want to know of any process, under the names that Prometheus' own clients give it. Read from
//! `/proc/self` when somebody asks; where there is none, nothing is said.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// Ticks of a second in `/proc/self/stat`: USER_HZ, 100 on every architecture that Linux runs Rust on (proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Where user time stands in `/proc/self/stat`, counted from what follows the name in parentheses (proc(5): field 14,
/// and the name is field 2); system time is next to it.
const USER_TIME_FIELD: usize = 11;

/// The start, counted likewise (field 22).
const START_TIME_FIELD: usize = 19;

/// Registers them.
pub(super) fn watch(registry: &mut Registry) {
    registry.register_collector(Box::new(Process));
}

#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let read = |name: &str| fs::read_to_string(format!("/proc/{name}")).ok();
        let mut put = Put(&mut encoder);
        if let Some(times) = read("self/stat").as_deref().and_then(Times::parse) {
            put.counter(
                "process_cpu_seconds",
                "Processor time, of user and system",
                times.cpu_seconds,
            )?;
            let booted_at = read("stat").as_deref().and_then(boot_time_seconds);
            if let Some(booted_at) = booted_at {
                put.gauge(
                    "process_start_time_seconds",
                    "When it was started, since the Unix epoch",
                    booted_at + times.started_seconds,
                )?;
            }
        }
        if let Some(bytes) = read("self/status").as_deref().and_then(resident_bytes) {
            put.gauge("process_resident_memory_bytes", "Resident memory", bytes)?;
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // One of them is this folder.
            let open = open.count().saturating_sub(1);
            put.gauge("process_open_fds", "Open files and sockets", open as f64)?;
        }
        if let Some(most) = read("self/limits").as_deref().and_then(max_fds) {
            put.gauge(
                "process_max_fds",
                "Files and sockets that may be open",
                most,
            )?;
        }
        Ok(())
    }
}

struct Put<'a, 'b>(&'a mut DescriptorEncoder<'b>);

impl Put<'_, '_> {
    fn counter(&mut self, name: &str, help: &str, value: f64) -> Result<(), fmt::Error> {
        let counter = ConstCounter::new(value);
        let kind = prometheus_client::metrics::MetricType::Counter;
        counter.encode(self.0.encode_descriptor(name, help, None, kind)?)
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> Result<(), fmt::Error> {
        let gauge = ConstGauge::new(value);
        let kind = prometheus_client::metrics::MetricType::Gauge;
        gauge.encode(self.0.encode_descriptor(name, help, None, kind)?)
    }
}

/// From `/proc/self/stat`.
#[derive(Debug, PartialEq)]
struct Times {
    cpu_seconds: f64,
    /// After the boot.
    started_seconds: f64,
}

impl Times {
    fn parse(stat: &str) -> Option<Self> {
        // The name may have spaces and parentheses of its own.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let seconds =
            |field: usize| Some(fields.get(field)?.parse::<f64>().ok()? / TICKS_PER_SECOND);
        Some(Self {
            cpu_seconds: seconds(USER_TIME_FIELD)? + seconds(USER_TIME_FIELD + 1)?,
            started_seconds: seconds(START_TIME_FIELD)?,
        })
    }
}

/// From `/proc/stat`.
fn boot_time_seconds(stat: &str) -> Option<f64> {
    number_after(stat, "btime ")
}

/// From `/proc/self/status`, which counts in KiB and not in pages.
fn resident_bytes(status: &str) -> Option<f64> {
    Some(number_after(status, "VmRSS:")? * 1024.0)
}

/// From `/proc/self/limits`: the soft limit, which is the one that bites.
fn max_fds(limits: &str) -> Option<f64> {
    number_after(limits, "Max open files")
}

fn number_after(text: &str, label: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_hides_no_field() {
        let stat = "4711 (an (odd) name) S 1 1 1 0 -1 4194560 9 0 0 0 150 50 7 8 20 0 9 0 1200 1 2";
        assert_eq!(
            Times::parse(stat),
            Some(Times {
                cpu_seconds: 2.0,
                started_seconds: 12.0
            })
        );
        assert_eq!(Times::parse("4711 (cut) S 1"), None);
    }

    #[test]
    fn numbers_are_found_by_their_label() {
        assert_eq!(
            boot_time_seconds("cpu 1 2\nbtime 1790000000\n"),
            Some(1.79e9)
        );
        assert_eq!(
            resident_bytes("VmHWM:\t  9 kB\nVmRSS:\t  2048 kB\n"),
            Some(2_097_152.0)
        );
        let limits = "Limit Soft Hard\nMax open files            1024   1048576   files\n";
        assert_eq!(max_fds(limits), Some(1024.0));
        assert_eq!(max_fds("Max open files  unlimited unlimited files"), None);
    }

    #[test]
    fn this_process_is_told_about() {
        let mut registry = Registry::default();
        watch(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for name in [
            "process_cpu_seconds_total",
            "process_start_time_seconds",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_max_fds",
        ] {
            let value = number_after(&text, &format!("{name} "));
            assert!(value.is_some_and(|value| value >= 0.0), "{name}: {text}");
        }
    }
}
