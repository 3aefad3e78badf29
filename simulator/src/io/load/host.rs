//! What a process uses, and what the machine is, from `/proc`; absent where there is none.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::io::Endpoint;

/// Clock ticks of `/proc`, the same on every Linux (time(7), USER_HZ).
const TICKS_PER_S: f64 = 100.0;

/// What a process used of its machine.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ProcessUse {
    /// For how long it was looked at.
    pub elapsed: Duration,
    /// Processor seconds in that time.
    pub cpu_s: Option<f64>,
    /// Those of the whole machine, other programs included.
    pub machine_cpu_s: Option<f64>,
    /// Resident bytes at the beginning.
    pub resident_bytes_before: Option<u64>,
    /// The most resident bytes that were seen.
    pub resident_bytes_max: Option<u64>,
}

impl ProcessUse {
    /// Share of so many cores, from 0 to 1.
    #[must_use]
    pub fn share_of(&self, cores: u32) -> Option<f64> {
        self.share(self.cpu_s, cores)
    }

    /// Share of so many cores that all programs of the machine used together, from 0 to 1.
    #[must_use]
    pub fn machine_share_of(&self, cores: u32) -> Option<f64> {
        self.share(self.machine_cpu_s, cores)
    }

    fn share(&self, cpu_s: Option<f64>, cores: u32) -> Option<f64> {
        let elapsed_s = self.elapsed.as_secs_f64();
        let whole_s = elapsed_s * f64::from(cores.max(1));
        let cpu_s = cpu_s.filter(|_| elapsed_s > 0.0);
        cpu_s.map(|cpu_s| (cpu_s / whole_s).min(1.0))
    }
}

/// A process that is looked at.
#[derive(Debug)]
pub struct Host {
    folder: String,
    begun: Instant,
    cpu_s_before: Option<f64>,
    machine_cpu_s_before: Option<f64>,
    cpu_s_sampled: Option<f64>,
    used: ProcessUse,
}

impl Host {
    /// This process, or the one with this id, from now on.
    #[must_use]
    pub fn of(pid: Option<u32>) -> Self {
        let folder = pid.map_or_else(|| "/proc/self".to_owned(), |pid| format!("/proc/{pid}"));
        let (cpu_s, resident) = (cpu_s(&folder), resident_bytes(&folder));
        Self {
            begun: Instant::now(),
            cpu_s_before: cpu_s,
            machine_cpu_s_before: machine_cpu_s(),
            cpu_s_sampled: cpu_s,
            used: ProcessUse {
                resident_bytes_before: resident,
                resident_bytes_max: resident,
                ..ProcessUse::default()
            },
            folder,
        }
    }

    /// Resident bytes now, and processor seconds since the last sample.
    pub fn sample(&mut self) -> (Option<u64>, Option<f64>) {
        let resident = resident_bytes(&self.folder);
        self.used.resident_bytes_max = self.used.resident_bytes_max.max(resident);
        let now_s = cpu_s(&self.folder);
        let before_s = std::mem::replace(&mut self.cpu_s_sampled, now_s);
        let new_s = now_s.zip(before_s).map(|(now, before)| now - before);
        (resident, new_s.map(|seconds| seconds.max(0.0)))
    }

    /// What it used since it is looked at.
    pub fn used(&mut self) -> ProcessUse {
        let resident = resident_bytes(&self.folder);
        self.used.resident_bytes_max = self.used.resident_bytes_max.max(resident);
        let since = |now: Option<f64>, before: Option<f64>| {
            let both = now.zip(before);
            both.map(|(now, before)| (now - before).max(0.0))
        };
        ProcessUse {
            elapsed: self.begun.elapsed(),
            cpu_s: since(cpu_s(&self.folder), self.cpu_s_before),
            machine_cpu_s: since(machine_cpu_s(), self.machine_cpu_s_before),
            ..self.used
        }
    }

    /// The machine's processor, as it calls itself.
    #[must_use]
    pub fn processor() -> String {
        field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned())
    }

    /// The machine's memory in bytes; 0 where it is unknown.
    #[must_use]
    pub fn memory_bytes() -> u64 {
        let kib = field("/proc/meminfo", "MemTotal");
        kib.and_then(|kib| kibibytes(&kib)).unwrap_or(0)
    }

    /// The kernel.
    #[must_use]
    pub fn system() -> String {
        let release = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        format!("{} {}", std::env::consts::OS, release.trim())
    }
}

/// User and system time (proc(5), fields 14 and 15, behind a name that may hold anything).
fn cpu_s(folder: &str) -> Option<f64> {
    let stat = read_to_string(format!("{folder}/stat")).ok()?;
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    let ticks = fields.skip(14 - 3).take(2).map(str::parse::<f64>);
    Some(ticks.sum::<Result<f64, _>>().ok()? / TICKS_PER_S)
}

/// What all programs computed (proc(5): user, nice, system, idle, iowait, irq, softirq).
fn machine_cpu_s() -> Option<f64> {
    let stat = read_to_string("/proc/stat").ok()?;
    let fields = stat.lines().next()?.split_whitespace().skip(1);
    let ticks: Vec<f64> = fields.map_while(|field| field.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6].map(|place| ticks.get(place).copied().unwrap_or(0.0));
    Some(busy.iter().sum::<f64>() / TICKS_PER_S)
}

fn resident_bytes(folder: &str) -> Option<u64> {
    kibibytes(&field(&format!("{folder}/status"), "VmRSS")?)
}

/// `1234 kB`.
fn kibibytes(text: &str) -> Option<u64> {
    let kib: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

/// The value of the first line `name: value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = read_to_string(path).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

/// Packets that the kernel dropped at these sockets since they were opened.
pub(super) fn packets_dropped(endpoints: &[Arc<Endpoint>]) -> u64 {
    let ports = endpoints.iter().filter_map(|one| one.local_addr().ok());
    let ports: BTreeSet<u16> = ports.map(|address| address.port()).collect();
    let tables = ["/proc/net/udp", "/proc/net/udp6"];
    let tables = tables.map(|path| read_to_string(path).unwrap_or_default());
    tables.iter().map(|table| drops(table, &ports)).sum()
}

/// The last column, of the lines whose local port (hexadecimal, behind the address) is one of these.
fn drops(table: &str, ports: &BTreeSet<u16>) -> u64 {
    let of_line = |line: &str| {
        let mut columns = line.split_whitespace();
        let (_, port) = columns.nth(1)?.rsplit_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let dropped = columns.last()?.parse::<u64>().ok()?;
        ports.contains(&port).then_some(dropped)
    };
    table.lines().skip(1).filter_map(of_line).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_those_of_the_ports_asked_for() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
                     uid  timeout inode ref pointer drops\n\
                     100: 00000000:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000  0 \
                     0 1 2 0000000000000000 7\n\
                     101: 00000000:1F91 00000000:0000 07 00000000:00000000 00:00000000 00000000  0 \
                     0 1 2 0000000000000000 9\n";
        assert_eq!(drops(table, &BTreeSet::from([0x1f90])), 7);
        assert_eq!(drops(table, &BTreeSet::from([0x1f90, 0x1f91])), 16);
        assert_eq!(drops(table, &BTreeSet::from([80])), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_works_uses_its_processor() {
        let mut host = Host::of(None);
        let until = Instant::now() + Duration::from_millis(200);
        let mut sum = 0_u64;
        while Instant::now() < until {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(1));
        }
        let used = host.used();
        assert!(used.cpu_s.unwrap() > 0.01, "{used:?}");
        assert!(used.resident_bytes_max.unwrap() > 1 << 20, "{used:?}");
        let share = used.share_of(1).unwrap();
        assert!(share > 0.0 && share <= 1.0);
        assert!(used.machine_share_of(1).unwrap() > 0.0);
        assert!(Host::memory_bytes() > 1 << 20 && !Host::processor().is_empty());
    }
}
