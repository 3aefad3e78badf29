//! `ansim demo --redis`: the same people, but two relays and two dispatchers over a log on Redis, whose
//! master is killed half way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ansim::demo::{self, Areas, BOOKKEEPER, Doors, Length, Report};
use ansim::demo_site::{DemoOfficer, DemoSite};
use anyhow::Context as _;
use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, stations};
use dispatcher::jurisdiction::{IdProperties, load};
use protocol::IncidentId;
use serde::Serialize;
use serde_json::json;
use simulator::io::{DRAIN, Outcome, read_board};
use tokio_util::sync::CancellationToken;

use super::members::Members;
use super::servers::Servers;
use super::{say_where, tell};

/// How long it runs when nobody says: time to sign in and to look.
const SECONDS: u64 = 30;

/// How long what is under way at the end may take: a promotion of seconds, and a machine that does
/// other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether everything is on the board again: the grain of the time to recover.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often progress is said.
const SAY_EVERY: Duration = Duration::from_secs(1);

/// Half the side of the square around a station that is its area where no districts are here, in
/// degrees: a kilometre. Any other place is the nearest station's.
const HALF_SIDE_DEG: f64 = 0.01;

/// What it came to: one line of JSON on standard output.
#[derive(Debug, Serialize)]
pub(super) struct FleetReport {
    #[serde(flatten)]
    report: Report,
    /// Presses that both boards show alike.
    on_both_boards: u64,
    /// From the death of the master until every press was on the board.
    recovered_s: Option<f64>,
}

impl FleetReport {
    /// 0 when everything is on both boards once, and the site has recovered.
    pub(super) fn exit_code(&self) -> u8 {
        let on_both = self.on_both_boards == self.report.counts.raised;
        let is_right = on_both && self.recovered_s.is_some();
        self.report.exit_code().max(u8::from(!is_right))
    }
}

/// When what happened.
#[derive(Default)]
struct Times {
    killed: OnceLock<Instant>,
    promoted: OnceLock<Instant>,
    recovered: OnceLock<Instant>,
}

impl Times {
    fn since_killed(&self, then: &OnceLock<Instant>) -> Option<Duration> {
        Some(then.get()?.duration_since(*self.killed.get()?))
    }

    /// Every press so far is on the board of a site that has a master again.
    fn note(&self, outcome: &Outcome) {
        let counts = &outcome.counts;
        if self.promoted.get().is_some() && counts.lost == 0 && self.recovered.get().is_none() {
            let now = self.recovered.get_or_init(Instant::now);
            let after = self.killed.get().map(|killed| now.duration_since(*killed));
            let after = after.unwrap_or_default().as_secs_f64();
            eprintln!("all that was pressed is on the board, {after:.1} s after the master died");
        }
    }
}

/// Runs it in a folder.
pub(super) async fn run(
    seconds: Option<u64>,
    seed: u64,
    districts: Option<&Path>,
    folder: &Path,
) -> anyhow::Result<FleetReport> {
    let seconds = seconds.unwrap_or(SECONDS);
    let (map_text, areas) = match districts {
        Some(districts) => (demo::map_text_of_korea(districts)?, Areas::Districts),
        None => (squares()?, Areas::Nearest),
    };
    let map = load(&map_text, "the demo's map", &IdProperties::default())?.map;
    let site = Arc::new(DemoSite::new()?);
    let officers = demo::officers();
    let config = site.write(folder, &map_text, &officers)?;

    let mut servers = Servers::start(folder).await?;
    let (master, replica) = servers.addresses();
    eprintln!("Redis: a master at {master}, a replica at {replica}, and three Sentinels");
    let members = Members::start(&config, &servers)?;
    let consoles = members.consoles.map(|at| format!("http://{at}"));
    for (number, relay) in members.relays.iter().enumerate() {
        eprintln!("relay {}: {relay} (UDP)", number + 1);
    }
    say_where(&consoles[0], &officers);
    eprintln!("the same at the other dispatcher: {}", consoles[1]);

    let doors = Doors {
        site,
        officers: officers.clone(),
        relays: members.relays.clone(),
        console: consoles[0].clone(),
        map: Arc::new(map),
        areas,
    };
    let length = Length {
        patience: PATIENCE,
        tell_every: LOOK_EVERY,
        ..Length::new(Some(seconds), seed)
    };
    let times = Times::default();
    let duration = Duration::from_secs(seconds);
    // Of the time in which people press.
    let half = (duration - DRAIN.min(duration / 2)) / 2;
    let mut said_at = Instant::now();
    let look = |outcome: &Outcome| {
        times.note(outcome);
        if said_at.elapsed() >= SAY_EVERY {
            said_at = Instant::now();
            tell(outcome);
        }
    };
    let running = demo::run(doors, length, folder, CancellationToken::new(), look);
    let (report, ()) = tokio::try_join!(running, kill_and_replace(&mut servers, half, &times))?;
    // A run may end before a moment at which nothing was under way.
    if report.counts.lost == 0 {
        times.recovered.get_or_init(Instant::now);
    }
    let on_both_boards = compare(&consoles, &officers, report.counts.raised).await?;
    Ok(FleetReport {
        report,
        on_both_boards,
        recovered_s: times.since_killed(&times.recovered).map(rounded_s),
    })
}

/// The master dies, Sentinels put the replica in its place, and the old one comes back behind it.
async fn kill_and_replace(
    servers: &mut Servers,
    after: Duration,
    times: &Times,
) -> anyhow::Result<()> {
    tokio::time::sleep(after).await;
    let killed = *times.killed.get_or_init(Instant::now);
    servers.kill_master()?;
    eprintln!(
        "half way: the master is killed. Relays go on to give receipts, from their own disks"
    );
    let promotion = tokio::time::timeout(PATIENCE, servers.until_promoted());
    promotion
        .await
        .context("the Sentinels promote no replica")??;
    let promoted = times.promoted.get_or_init(Instant::now);
    let took = promoted.duration_since(killed).as_secs_f64();
    eprintln!("the Sentinels have made the replica the master, {took:.1} s after that");
    servers.start_old_master().await?;
    eprintln!("the machine of the old master is back; it follows the new one from now on");
    Ok(())
}

/// How many presses both boards show alike, as soon as both show all of them.
async fn compare(
    consoles: &[String; 2],
    officers: &[DemoOfficer],
    raised: u64,
) -> anyhow::Result<u64> {
    let mut officers = officers.iter();
    let books = officers.find(|officer| officer.user == BOOKKEEPER);
    let books = books.context("the books have no console of their own")?;
    let board = async |console: &str| -> anyhow::Result<BTreeMap<IncidentId, (String, u64)>> {
        let seen = read_board(console, &books.user, &books.password).await?;
        let cards = seen.into_iter();
        Ok(cards
            .map(|card| (card.incident, (card.desk, card.presses)))
            .collect())
    };
    let until = Instant::now() + PATIENCE;
    loop {
        let [one, other] = [board(&consoles[0]).await?, board(&consoles[1]).await?];
        let alike = one.iter().filter(|(id, card)| other.get(*id) == Some(card));
        let presses = alike.map(|(_, (_, presses))| presses).sum();
        if (one == other && presses == raised) || Instant::now() >= until {
            return Ok(presses);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// In words, for people.
pub(super) fn say(report: &FleetReport) {
    let counts = report.report.counts;
    let recovered = report.recovered_s;
    let recovered = recovered.map_or_else(|| "never".to_owned(), |s| format!("{s:.1} s"));
    eprintln!(
        "raised {}, receipted {}, on both boards {}, lost {}, doubled {}, recovered after {recovered}",
        counts.raised, counts.receipted, report.on_both_boards, counts.lost, counts.duplicated,
    );
}

fn rounded_s(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10.0).round() / 10.0
}

/// A map of the stations alone, as a file has it: a square around each.
fn squares() -> anyhow::Result<String> {
    let features = stations(KOREA_STATIONS_CSV)?.into_iter().map(|row| {
        let (lat, lon) = (row.at.lat_deg(), row.at.lon_deg());
        let corner =
            |north: f64, east: f64| [lon + east * HALF_SIDE_DEG, lat + north * HALF_SIDE_DEG];
        let ring = [
            (-1.0, -1.0),
            (-1.0, 1.0),
            (1.0, 1.0),
            (1.0, -1.0),
            (-1.0, -1.0),
        ];
        let ring = ring.map(|(north, east)| corner(north, east));
        json!({
            "type": "Feature",
            "properties": {
                "id": row.id().to_string(), "name": row.name, "agency": row.agency,
                "station": { "name": row.name, "lat": lat, "lon": lon },
            },
            "geometry": { "type": "Polygon", "coordinates": [ring] },
        })
    });
    let map = json!({
        "type": "FeatureCollection", "authority": "invented",
        "features": features.collect::<Vec<_>>(),
    });
    Ok(map.to_string())
}
