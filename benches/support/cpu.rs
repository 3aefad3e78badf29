//! Processor time of a process, as the system counts it.

/// Clock ticks of `/proc`, the same on every Linux (time(7), USER_HZ).
pub(crate) const TICKS_PER_S: f64 = 100.0;

/// Seconds that the process with this number has computed, user and system, since it began.
pub(crate) fn cpu_s(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // Behind the name, which may hold anything: proc(5), fields 14 and 15, user and system time.
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let ticks = fields.skip(14 - 3).take(2);
    ticks
        .map(|field| field.parse::<f64>().unwrap())
        .sum::<f64>()
        / TICKS_PER_S
}
