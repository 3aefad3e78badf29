//! `ansim phone`: a phone for those who build one. It says what happened, line by line, and never
//! where.

mod route;
mod say;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use client::io::{
    Endpoint, EndpointOptions, NotSent, Phone, PhoneEvent, PhoneHandle, PhoneOptions,
};
use client::{Event, NOT_DELIVERED_AFTER};
use protocol::{
    AlertId, CancelMeaning, LatLon, Position, Progress, RadiusMetres, Raise, ReportNumber, Source,
    UnixMillis,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::WrongUsage;
use super::token::read_enrolment;
use route::Route;

/// How long a farewell to the relay may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// Plays a phone.
#[derive(Debug, Args)]
pub(crate) struct PhoneCommand {
    /// What `ansim token issue` wrote
    #[arg(long, value_name = "FILE")]
    enrolment: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Presses the button. Exit code 0 when a relay has the alert durably, 1 when not in time.
    Raise(RaiseArguments),
}

#[derive(Debug, Args)]
struct RaiseArguments {
    /// Where the phone is, in degrees
    #[arg(long, value_name = "LAT,LON", value_parser = lat_lon, allow_hyphen_values = true)]
    at: Option<LatLon>,
    /// How far off that may be, in metres
    #[arg(long, value_name = "M", value_parser = radius)]
    radius: Option<RadiusMetres>,
    /// Walks along the line of a GPX or GeoJSON file after the press
    #[arg(long, value_name = "FILE", conflicts_with = "at")]
    follow: Option<PathBuf>,
    /// How fast, in metres per second
    #[arg(long, value_name = "M/S", default_value = "1.4", value_parser = positive)]
    speed: f64,
    /// Seconds between two positions
    #[arg(long, value_name = "S", default_value = "2", value_parser = positive)]
    interval: f64,
    /// What the person types; may be given more than once
    #[arg(long)]
    text: Vec<String>,
    /// Claims that the alert is to end
    #[arg(long, value_enum)]
    cancel: Option<Meaning>,
    /// Keeps what has no receipt in this file, and sends what an earlier run left there
    #[arg(long, value_name = "FILE")]
    outbox: Option<PathBuf>,
    /// Seconds within which the receipt must come
    #[arg(long, value_name = "S", default_value_t = NOT_DELIVERED_AFTER.as_secs_f64(), value_parser = positive)]
    deadline: f64,
    /// Stays for so many seconds after everything is said, for statuses and an officer's words
    #[arg(long, value_name = "S", default_value = "0", value_parser = seconds)]
    linger: f64,
    /// Somebody practises
    #[arg(long)]
    exercise: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Meaning {
    /// No code was typed
    NoCode,
    /// Pressed by mistake
    Mistaken,
    /// The danger is over
    Safe,
    /// Somebody forces the person
    Duress,
}

impl From<Meaning> for CancelMeaning {
    fn from(meaning: Meaning) -> Self {
        match meaning {
            Meaning::NoCode => Self::NoCode,
            Meaning::Mistaken => Self::Mistaken,
            Meaning::Safe => Self::Safe,
            Meaning::Duress => Self::Duress,
        }
    }
}

impl PhoneCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let What::Raise(arguments) = self.what;
        let enrolment = read_enrolment(&self.enrolment)?;
        let route = arguments.route()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        runtime.block_on(async {
            let endpoint =
                Endpoint::bind(&EndpointOptions::default()).context("cannot open a socket")?;
            let options = PhoneOptions {
                outbox: arguments.outbox.clone(),
                not_delivered_after: Duration::from_secs_f64(arguments.deadline),
                ..PhoneOptions::default()
            };
            let (phone, events) = Phone::start(endpoint.clone(), &enrolment, options)
                .map_err(|error| WrongUsage(error.to_string()))?;
            let played = Play::new(arguments, route, phone.clone(), events)
                .run()
                .await;
            phone.close().await;
            // The relay's own timeout does it when this does not.
            let _ = timeout(FAREWELL, endpoint.wait_idle()).await;
            played
        })
    }
}

impl RaiseArguments {
    fn route(&self) -> anyhow::Result<Option<Route>> {
        let Some(path) = &self.follow else {
            return Ok(None);
        };
        let wrong = |what: String| WrongUsage(format!("{}: {what}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let route = Route::read(&text).map_err(|error| wrong(error.to_string()))?;
        Ok(Some(route))
    }

    fn position(&self, at: LatLon) -> Position {
        Position {
            radius: self.radius,
            fix_at: Some(UnixMillis::new(jiff::Timestamp::now().as_millisecond())),
            source: Source::Manual,
            ..Position::at(at)
        }
    }
}

/// One press and what follows.
struct Play {
    arguments: RaiseArguments,
    route: Option<Route>,
    walked_m: f64,
    phone: PhoneHandle,
    events: mpsc::Receiver<PhoneEvent>,
    /// Numbers of texts and cancels that wait for a receipt.
    owed: BTreeSet<ReportNumber>,
    /// Reports of an earlier run that wait for a receipt.
    left: usize,
    raised: bool,
}

/// Whether there is more to wait for.
enum Next {
    More,
    End,
}

impl Play {
    fn new(
        arguments: RaiseArguments,
        route: Option<Route>,
        phone: PhoneHandle,
        events: mpsc::Receiver<PhoneEvent>,
    ) -> Self {
        Self {
            arguments,
            route,
            walked_m: 0.0,
            phone,
            events,
            owed: BTreeSet::new(),
            left: 0,
            raised: false,
        }
    }

    async fn run(mut self) -> anyhow::Result<()> {
        self.left = self.phone.owed().await?;
        let alert = self.press().await?;
        println!(
            "{}",
            serde_json::json!({ "event": "raised", "alert": alert })
        );
        self.talk(alert).await?;
        let mut steps = self.steps();
        let mut until = None;
        loop {
            if until.is_none() && self.is_done() {
                until = Some(Instant::now() + Duration::from_secs_f64(self.arguments.linger));
            }
            tokio::select! {
                event = self.events.recv() => {
                    let event = event.context("the phone ended by itself")?;
                    println!("{}", say::say(&event));
                    if let Next::End = self.note(alert, &event.event)? {
                        return Ok(());
                    }
                }
                _ = steps.tick(), if self.route.is_some() => self.step(alert).await?,
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
                    return Ok(());
                }
                _ = tokio::signal::ctrl_c() => return self.interrupted(),
            }
        }
    }

    async fn press(&mut self) -> Result<AlertId, NotSent> {
        let start = self.route.as_ref().and_then(|route| route.at(0.0));
        let at = start.or(self.arguments.at);
        let raise = Raise {
            fix: at.map(|at| Ok(self.arguments.position(at))),
            exercise: self.arguments.exercise,
            ..Raise::default()
        };
        self.phone.raise_with(raise).await
    }

    async fn talk(&mut self, alert: AlertId) -> Result<(), NotSent> {
        for text in &self.arguments.text {
            self.owed.insert(self.phone.text(alert, text).await?);
        }
        if let Some(meaning) = self.arguments.cancel {
            self.owed
                .insert(self.phone.cancel(alert, meaning.into()).await?);
        }
        Ok(())
    }

    fn steps(&self) -> Interval {
        let every = Duration::from_secs_f64(self.arguments.interval);
        let mut steps = interval_at(Instant::now() + every, every);
        steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
        steps
    }

    async fn step(&mut self, alert: AlertId) -> Result<(), NotSent> {
        self.walked_m += self.arguments.speed * self.arguments.interval;
        match self
            .route
            .as_ref()
            .and_then(|route| route.at(self.walked_m))
        {
            Some(at) => {
                let position = Position {
                    speed_mps: Some(self.arguments.speed),
                    ..self.arguments.position(at)
                };
                self.phone.position(alert, position).await
            }
            None => {
                self.route = None;
                Ok(())
            }
        }
    }

    fn is_done(&self) -> bool {
        self.raised && self.owed.is_empty() && self.left == 0 && self.route.is_none()
    }

    fn note(&mut self, alert: AlertId, event: &Event) -> anyhow::Result<Next> {
        match event {
            Event::Receipted(receipted) if receipted.alert == alert => {
                self.raised |= receipted.triggered.is_some();
                self.owed.remove(&receipted.number);
            }
            Event::Dropped { alert: late, .. } | Event::NotDelivered { alert: late, .. }
                if *late == alert =>
            {
                return self.not_delivered();
            }
            // What an earlier run left is no failure of this one.
            Event::Receipted(_) | Event::NotDelivered { .. } => {
                self.left = self.left.saturating_sub(1);
            }
            Event::Status(status)
                if status.alert == alert && status.progress == Progress::Closed =>
            {
                return Ok(Next::End);
            }
            _ => {}
        }
        Ok(Next::More)
    }

    fn not_delivered(&self) -> anyhow::Result<Next> {
        Err(anyhow!(
            "no receipt within {} s{}",
            self.arguments.deadline,
            self.kept()
        ))
    }

    fn interrupted(&self) -> anyhow::Result<()> {
        if self.raised {
            return Ok(());
        }
        Err(anyhow!("interrupted before the receipt{}", self.kept()))
    }

    fn kept(&self) -> String {
        let kept = |path: &PathBuf| format!("; kept in {} for the next run", path.display());
        self.arguments.outbox.as_ref().map(kept).unwrap_or_default()
    }
}

fn lat_lon(text: &str) -> Result<LatLon, String> {
    let pair = text
        .split_once(',')
        .and_then(|(lat, lon)| Some((lat.trim().parse().ok()?, lon.trim().parse().ok()?)));
    let (lat, lon) = pair.ok_or("write latitude and longitude, as 37.5663,126.9779")?;
    LatLon::new(lat, lon).map_err(|error| error.to_string())
}

fn radius(text: &str) -> Result<RadiusMetres, String> {
    RadiusMetres::new(seconds(text)?).map_err(|error| error.to_string())
}

/// Not negative, and below what a day of seconds or the Earth in metres could mean.
fn seconds(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "write a number")?;
    if (0.0..=1e8).contains(&number) {
        Ok(number)
    } else {
        Err("write a number from 0".to_owned())
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number = seconds(text)?;
    if number >= 1e-3 {
        Ok(number)
    } else {
        Err("write a number above 0.001".to_owned())
    }
}
