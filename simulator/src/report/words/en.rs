//! The words in English.

use super::super::numbers::{count, date_time, millis, percent};
use super::Words;
use crate::report::{Doubt, Group, Level, ServicePlace, Setup, StageName, Verdict};

pub(super) const WORDS: Words = Words {
    level_names,
    stage_names,
    group_names,
    setup_names,
    service_places,
    approximate: "The map is approximate: these are not the lines of the police.",
    invented: "The map is invented: these are no real areas.",
    shed_metrics: [
        (
            "ansim_relay_datagrams_dropped",
            "Positions not taken",
            "The log was busy; the newest position wins.",
        ),
        (
            "ansim_relay_held",
            "Waits for the log",
            "Alerts waited for room in the log; none was refused.",
        ),
        (
            "ansim_relay_retries",
            "Connections asked to try again",
            "Above a load the relay first lets an address prove itself (Retry).",
        ),
        (
            "ansim_relay_refused_connections",
            "Connections refused",
            "They did not complete, or were too many at once.",
        ),
        (
            "ansim_relay_attempts_left_out",
            "Connections without an answer",
            "They waited for two seconds, or more than 2,048 did; whoever came last was taken first, and phones try again.",
        ),
        (
            "ansim_relay_packets_left_out",
            "Packets not looked at",
            "More came than could be looked at: positions and acknowledgements stay outside so that alerts go in.",
        ),
        (
            "ansim_relay_refusals",
            "Frames refused",
            "They were not decodable, or more than the protocol allows.",
        ),
        (
            "ansim_relay_closes",
            "Connections closed by the relay",
            "Idle for too long, or against the protocol.",
        ),
        (
            "ansim_relay_receive_buffer_errors",
            "Packets dropped by the kernel",
            "The socket's receive buffer was full; phones send again.",
        ),
    ],
    time: |at| format!("{} UTC", date_time(at, 0)),
    seconds: |s| format!("{s}\u{a0}s"),
    cores: |n| format!("{n} cores"),
    confined: |cores| format!("the service was confined to {cores} cores"),
    doubt,
    machine_sentence: |verdict, kept, of| match verdict {
        Verdict::Passed => format!("All {of} service levels were kept."),
        Verdict::Missed => format!("{kept} of {of} service levels were kept."),
        Verdict::NotConclusive => {
            "Not conclusive at this rate: the generator was itself the bottleneck.".to_owned()
        }
    },
    people_sentence: |share, target| {
        format!("{share} of the alerts were looked at within 15\u{a0}s; {target} are wanted.")
    },
    positions_unseen_why: |sent, share| {
        format!("{share} of {sent} sent: merged into newer ones, thinned, or lost on the way.")
    },
    map_label: |cells, most| {
        format!(
            "Map of {cells} cells with alerts, at most {most} in one; the list has the densest."
        )
    },
    report: "Load report",
    began_at: "Began",
    elapsed: "Took",
    alerts: "Alerts",
    seed: "Seed",
    program: "Program",
    unknown: "not measured",
    nothing_measured: "Nothing was measured here.",
    what: "What",
    count: "Count",
    value: "Value",
    why: "Why",
    max: "max",
    verdict: "Verdict",
    passed: "PASSED",
    missed: "MISSED",
    not_conclusive: "NOT CONCLUSIVE",
    not_judged: "NOT JUDGED",
    machine: "Machine",
    machine_about: "lost, doubled, late?",
    people: "People",
    people_about: "looked at in time?",
    people_absent: "The desks were not worked out for this run.",
    people_absent_merged: "The desks were not worked out for the load of all machines together.",
    positions_peak: "Positions sent, most in a second",
    receipt_p999_short: "Receipt, 999 of 1,000 within",
    seats_missing: "Seats missing",
    no_number: "no number is enough",
    never: "Never looked at",
    levels: "Against each service level",
    levels_caption: "Service levels of the scenario. Times are from the moment at which somebody meant to press.",
    level: "Service level",
    wanted: "Wanted",
    measured: "Measured",
    kept: "kept",
    not_kept: "missed",
    people_level: "Looked at within 15\u{a0}s, share of alerts",
    counts_caption: "All counts, and how many of a thousand alerts raised.",
    per_thousand: "Per thousand",
    raised: "Raised by phones",
    receipted: "Receipted",
    on_board: "On the console",
    lost: "Lost",
    doubled: "Doubled",
    reordered: "Arrived in another order",
    map_mismatches: "At another desk than the map says",
    desks: "People: the desks",
    caveat: "Simulated officers are a staffing calculator and no evidence about officers: they tell how many seats a load takes, not how well anybody works.",
    looked_at_within: "Looked at within",
    within_15_s: "Looked at within 15\u{a0}s",
    s_15: "15\u{a0}s",
    s_60: "60\u{a0}s",
    s_600: "600\u{a0}s",
    worst_wait: "Longest wait for a first look",
    seats: "Seats, all rooms together",
    seats_now: "Seats now",
    seats_needed: "Seats needed for the target",
    curve: "With more seats",
    curve_unit: "share of alerts looked at within 15\u{a0}s",
    target: "Target",
    latency: "How long an alert takes",
    latency_lead: "Measured from the moment at which somebody meant to press; beside it, from the moment at which the phone really began. Where the two differ, the second one flatters.",
    from_intended: "from the intended press",
    from_begun: "from the real begin, uncorrected",
    ranges: "Spread by stage",
    ranges_key: "Dot: half were faster. Bar: to 99 of 100. Ticks: 99 of 100, 999 of 1,000, slowest.",
    ranges_label: "The spread of each stage on an axis of time; the same figures are in the table below.",
    percentiles_caption: "Percentiles by stage: p99 means that 99 of 100 were at most as slow.",
    stage: "Trigger to",
    latency_over_time: "Over time",
    p99_ms: "ms, 99 of 100 within, each second",
    to_receipt: "to receipt",
    to_console: "to console",
    console_level: "Level for the console, ms",
    above_chart: " (above this chart)",
    since_begin: "min:s since the begin",
    load: "The load: offered and achieved",
    rate_over_time: "Rate",
    alerts_per_s: "alerts per second",
    offered: "Offered",
    begun: "Begun",
    begun_late_p99: "Generator late, 99 of 100 within",
    generator_processor: "Processor used by the generator",
    conclusive: "The generator kept its own times: the run is conclusive at this rate.",
    doubts: "The generator was itself the bottleneck: not conclusive at this rate.",
    cost: "What it cost the service",
    cost_unknown: "The service's use of the machine was not measured: it ran elsewhere or in the generator's own process.",
    cost_by_machine: "Costs are per thousand alerts of one machine and cannot be added up: see the machines at the end.",
    cpu_alerts: "Processor time per 1,000 alerts",
    cpu_positions: "Processor time per 1,000 positions",
    memory_per_connection: "Memory per connection",
    resident_max: "Most memory",
    connected: "Connected phones",
    phones: "phones",
    resident: "Memory",
    resident_unit: "MiB resident",
    processor: "Processor",
    processor_unit: "seconds per second",
    shed: "What was shed, and why",
    shed_lead: "Under overload positions are thinned first, then texts wait; an alert never does.",
    shed_caption: "What the service did not do, on purpose.",
    positions_unseen: "Positions that no console saw",
    places: "Where alerts fell",
    places_lead: "Cells of a tenth of a degree, never a single place; fewer than five are not counted out.",
    alerts_per_cell: "Alerts in a cell",
    densest: "Cells with the most alerts",
    corner: "South-western corner",
    north: "N",
    origin: "Where this report comes from",
    origin_caption: "What it takes to make it again.",
    map: "Map",
    official: "official",
    setting: "Service and generator",
    machine_name: "Machine",
    system: "System",
    format: "Format of the report",
    remark: "Remark",
    parts: "Machines that loaded the service together",
    scenario: "Scenario",
    comparison: "Comparison of two load reports",
    setup: "What was not the same",
    setup_lead: "Read this first: where these differ, a difference below may have nothing to do with the service.",
    setup_same: "Scenario, seed, machine, map and setting are the same.",
    differences: "What changed",
    noise_lead: "Within noise: the ranges in which 95 of 100 repetitions lie overlap, or the two are less than a tenth apart. Counts of faults have no noise.",
    ratio: "B / A",
    outcome: "Outcome",
    better: "better",
    worse: "worse",
    within_noise: "within noise",
    same: "same",
    differs: "differs",
};

fn doubt(doubt: &Doubt) -> String {
    match doubt {
        Doubt::BegunLate { p99_ms, limit_ms } => format!(
            "99 of 100 alerts were begun up to {} late; {} still counts as punctual.",
            millis(*p99_ms),
            millis(*limit_ms)
        ),
        Doubt::NotBegun { alerts } => {
            format!("{} alerts of the plan were never begun.", count(*alerts))
        }
        Doubt::ProcessorFull { share } => format!(
            "The generator used {} of its machine's processors.",
            percent(*share)
        ),
        Doubt::PacketsDropped { packets } => format!(
            "The kernel dropped {} packets that the generator did not read in time.",
            count(*packets)
        ),
    }
}

fn level_names(level: Level) -> &'static str {
    match level {
        Level::Lost => "Alerts lost",
        Level::Doubled => "Alerts doubled",
        Level::MapMismatches => "Alerts at another desk than the map says",
        Level::Unreceipted => "Alerts without a receipt",
        Level::ReceiptP999 => "To the receipt, 999 of 1,000 within",
        Level::Returned => "All tracking phones connected again after a restart",
        Level::ConsoleP99 => "To the console, 99 of 100 within",
    }
}

fn stage_names(stage: StageName) -> &'static str {
    match stage {
        StageName::Receipt => "Receipt (durable)",
        StageName::Assigned => "Assigned",
        StageName::Console => "Console",
    }
}

fn group_names(group: Group) -> &'static str {
    match group {
        Group::Verdicts => "Verdicts",
        Group::Levels => "Service levels",
        Group::Latency => "Latency, from the intended press",
        Group::Counts => "Counts",
        Group::Rates => "Rates",
        Group::Cost => "Cost",
        Group::People => "People",
    }
}

fn setup_names(setup: Setup) -> &'static str {
    match setup {
        Setup::Scenario => "Scenario",
        Setup::Seed => "Seed",
        Setup::Program => "Program",
        Setup::Machine => "Machine",
        Setup::System => "System",
        Setup::Map => "Map",
        Setup::Setting => "Service and generator",
        Setup::Machines => "Number of machines",
        Setup::Generator => "Generator conclusive",
    }
}

fn service_places(place: ServicePlace) -> &'static str {
    match place {
        ServicePlace::SameProcess => {
            "one process for both: its own use of the processor is unknown"
        }
        ServicePlace::SameMachine => {
            "two processes on one machine: they take the processor from each other"
        }
        ServicePlace::OtherMachine => "on different machines",
    }
}
