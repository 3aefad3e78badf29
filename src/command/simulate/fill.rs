//! From measures to a report.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Instant, SystemTime};

use ansim::service::build_name;
use dispatcher::jurisdiction::JurisdictionMap;
use jiff::Timestamp;
use protocol::UnixMillis;
use simulator::desks::{DeskRun, Rooms};
use simulator::io::{Host, Load, Loaded, ProcessUse};
use simulator::measure::Counts;
use simulator::report::{
    Build, Cost, Doubt, FORMAT, Generator, Machine, MapLabel, Report, SeatsAndShare, ServicePlace,
    Setting,
};
use simulator::scenario::Scenario;

/// 99 of 100 presses begin within this many milliseconds of their time, or the generator was the
/// bottleneck: a twentieth of the strictest level of a built-in scenario.
const PUNCTUAL_P99_MS: f64 = 50.0;

/// From this share of the machine's processors on, all programs together, the generator had none to
/// spare.
const PROCESSOR_FULL: f64 = 0.95;

/// Below this share of positions among what a service got, its processor time is that of alerts.
const FEW: f64 = 0.01;

/// What is known before the load.
pub(super) struct Setup {
    pub(super) scenario: Scenario,
    map: Arc<JurisdictionMap>,
    service: ServicePlace,
    /// Others use the service as well.
    is_shared: bool,
}

impl Setup {
    /// Of a load, before it is run.
    pub(super) fn of(load: &Load, service: ServicePlace, is_shared: bool) -> Self {
        Self {
            scenario: load.scenario.clone(),
            map: Arc::clone(&load.site.map),
            service,
            is_shared,
        }
    }

    fn build(&self, note: String) -> Build {
        Build {
            program: format!("ansim {}", build_name()),
            processor: Host::processor(),
            cores: cores(),
            memory_bytes: Host::memory_bytes(),
            system: Host::system(),
            map: MapLabel {
                version: self.map.version().to_string(),
                authority: self.map.authority(),
            },
            setting: Setting {
                service: self.service,
                service_cores: None,
                note,
            },
        }
    }
}

/// The report of a load, with the people at its desks.
pub(super) fn report(
    setup: Setup,
    (loaded, began_at): (Loaded, SystemTime),
    up_at: Option<Instant>,
    what_if: &[u64],
) -> anyhow::Result<Report> {
    let counts = loaded.measures.progress().counts;
    let generator = generator(&loaded, &counts);
    let mut machine = Machine {
        cost: cost(&loaded, &counts),
        returned_ms: returned_ms(&loaded, up_at),
        shed: loaded.shed.clone(),
        ..loaded.measures.machine()
    };
    if !setup.is_shared {
        machine.doubled += loaded.measures.of_nobody();
    }
    machine.judge(&setup.scenario.levels, &generator);
    let rooms = Rooms::of(&setup.map);
    let alerts = loaded.measures.desk_alerts(&rooms);
    let desks = DeskRun::new(&setup.scenario, &rooms, alerts);
    let mut people = desks.people(None);
    people
        .curve
        .extend(what_if.iter().map(|seats| point(&desks, *seats)));
    people.curve.sort_by_key(|point| point.seats);
    people.curve.dedup_by_key(|point| point.seats);
    let note = note(&setup, &loaded, &counts);
    Ok(Report {
        format: FORMAT,
        build: setup.build(note),
        began_at: UnixMillis::new(Timestamp::try_from(began_at)?.as_millisecond()),
        elapsed_s: loaded.elapsed.as_secs_f64(),
        generator,
        machine,
        people: Some(people),
        places: loaded.measures.cells(),
        seconds: loaded.measures.seconds(),
        parts: Vec::new(),
        scenario: setup.scenario,
    })
}

/// What `--what-if` asks, answered on standard error and in the curve.
fn point(desks: &DeskRun, seats: u64) -> SeatsAndShare {
    let within_15_s = desks.within_15_s(seats);
    eprintln!(
        "what if there were {seats} seats: {:.1} % looked at within 15 s",
        100.0 * within_15_s
    );
    SeatsAndShare { seats, within_15_s }
}

fn cores() -> u32 {
    available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

fn generator(loaded: &Loaded, counts: &Counts) -> Generator {
    let late = loaded.measures.lateness();
    let processor_share = loaded.generator.share_of(cores());
    let mut doubts = Vec::new();
    if late.p99_ms > PUNCTUAL_P99_MS {
        doubts.push(Doubt::BegunLate {
            p99_ms: late.p99_ms,
            limit_ms: PUNCTUAL_P99_MS,
        });
    }
    let alerts = counts.offered.saturating_sub(counts.begun);
    if alerts > 0 {
        doubts.push(Doubt::NotBegun { alerts });
    }
    // What other programs take of the machine, the load does not get either.
    let busy = loaded.generator.machine_share_of(cores());
    if let Some(share) = busy.filter(|share| *share >= PROCESSOR_FULL) {
        doubts.push(Doubt::ProcessorFull { share });
    }
    if loaded.packets_dropped > 0 {
        doubts.push(Doubt::PacketsDropped {
            packets: loaded.packets_dropped,
        });
    }
    Generator {
        offered: counts.offered,
        begun: counts.begun,
        late,
        processor_share,
        doubts,
    }
}

/// Known only of a service that is a process of its own.
fn cost(loaded: &Loaded, counts: &Counts) -> Option<Cost> {
    let service: ProcessUse = loaded.service?;
    let per_thousand = |count: u64| {
        let thousands = count as f64 / 1_000.0;
        service.cpu_s.filter(|_| count > 0).map(|s| s / thousands)
    };
    let (alerts, positions) = (counts.begun, counts.positions_sent);
    let all = (alerts + positions) as f64;
    let max = service.resident_bytes_max?;
    let grown = max.checked_sub(service.resident_bytes_before?)?;
    Some(Cost {
        cpu_s_per_thousand_alerts: per_thousand(alerts).filter(|_| (positions as f64) < FEW * all),
        cpu_s_per_thousand_positions: per_thousand(positions)
            .filter(|_| (alerts as f64) < FEW * all),
        bytes_per_connection: (loaded.connected_max > 0)
            .then(|| grown as f64 / loaded.connected_max as f64),
        resident_bytes_max: max,
    })
}

/// What has to be known of the run, and what of the scenario was not simulated.
fn note(setup: &Setup, loaded: &Loaded, counts: &Counts) -> String {
    let mut notes = vec![format!(
        "{} of {} desks on the console were judged by the plain loop ({:.0} per thousand).",
        counts.judged,
        counts.to_judge,
        1_000.0 * counts.judged as f64 / counts.to_judge.max(1) as f64
    )];
    let tickets = loaded.tickets;
    notes.push(format!(
        "{} of {} phones with a ticket had met the relay before the start; {} raises went in 0-RTT.",
        tickets.prepared, tickets.wanted, counts.receipted_early
    ));
    if let (ServicePlace::SameProcess, Some(cpu_s)) = (setup.service, loaded.generator.cpu_s) {
        let thousands = counts.begun.max(1) as f64 / 1_000.0;
        notes.push(format!(
            "Service, phones and console together took {:.2} processor seconds per thousand alerts, \
             {} positions among them.",
            cpu_s / thousands,
            counts.positions_sent
        ));
    }
    let phones = &setup.scenario.phones;
    if phones.bad_network_share > 0.0 && phones.bad_network_loss > 0.0 {
        notes.push(format!(
            "{:.0} of 100 phones had a network that lost {:.0} of 100 packets each way.",
            100.0 * phones.bad_network_share,
            100.0 * phones.bad_network_loss
        ));
    }
    if setup.scenario.abuse.is_some() {
        notes.push(format!(
            "Beside the alerts came {} pieces of traffic that was no emergency; a connection that is \
             left alone has completed its handshake.",
            loaded.nuisances
        ));
    }
    if loaded.still_away > 0 {
        notes.push(format!(
            "{} phones that had been cut off were not connected again.",
            loaded.still_away
        ));
    }
    notes.join(" ")
}

/// How long after the last restart everybody was back, in milliseconds; absent as long as somebody is
/// not, and without a restart.
fn returned_ms(loaded: &Loaded, up_at: Option<Instant>) -> Option<f64> {
    let up_at = up_at.filter(|_| loaded.still_away == 0)?;
    let back_after = loaded
        .last_return
        .map(|back| back.saturating_duration_since(up_at));
    Some(back_after.unwrap_or_default().as_secs_f64() * 1_000.0)
}
