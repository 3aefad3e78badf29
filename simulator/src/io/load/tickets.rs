//! Phones that have been at the relay before and hold a ticket, so that their raise goes in 0-RTT.
//!
//! They meet the relay before the start: during the run their visits would be load that the scenario
//! does not have. A phone that waits with its ticket takes memory, and so there is a bound on how many
//! do; beyond it, what is left is spread evenly over the run, and the report says so.

use std::collections::VecDeque;
use std::time::Duration;

use client::Event;
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use protocol::token::Issuer;
use tokio::time::timeout;

use super::Load;
use super::networks::Networks;
use super::phone::App;
use crate::io::run::{FOREIGN_SEED, RunError};
use crate::plan::{Plan, Press};

/// Phones that are prepared at most. Each takes some 25 KiB while it waits.
pub const MAX_PREPARED: u64 = 25_000;

/// Phones that meet the relay at once: enough to keep two cores busy.
const AT_ONCE: usize = 64;

/// The client gives up a ready check before that.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// Phones that were to hold a ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tickets {
    /// By the scenario.
    pub wanted: u64,
    /// That met the relay before the start.
    pub prepared: u64,
    /// That met it and got no ticket.
    pub failed: u64,
}

/// Which of the phones with tickets are prepared: an even share of them.
#[derive(Clone, Copy, Debug)]
struct Choice {
    share: f64,
    owed: f64,
}

impl Choice {
    fn of(load: &Load) -> Self {
        let wanted = load.scenario.expected_alerts() * load.scenario.phones.ticket_share;
        Self {
            share: (MAX_PREPARED as f64 / wanted.max(1.0)).min(1.0),
            owed: 0.0,
        }
    }

    /// Asked of each phone of the plan that has a ticket, in their order.
    fn takes(&mut self) -> bool {
        self.owed += self.share;
        let takes = self.owed >= 1.0 - f64::EPSILON;
        if takes {
            self.owed -= 1.0;
        }
        takes
    }
}

/// The phones that wait with their tickets, in the order of their presses.
pub(super) struct Prepared {
    choice: Choice,
    apps: VecDeque<App>,
    tickets: Tickets,
}

impl Prepared {
    /// Lets them meet the relay; tells how many have.
    pub(super) async fn meet(
        load: &Load,
        networks: &Networks,
        plan: Plan,
        tell: &mut impl FnMut(u64),
    ) -> Result<Self, RunError> {
        let choice = Choice::of(load);
        let mut first_pass = choice;
        let mut tickets = Tickets::default();
        let foreign_issuer = Issuer::from_seed(&FOREIGN_SEED)?;
        let chosen = plan.filter(|press| press.conduct.has_ticket);
        let chosen: Vec<Press> = chosen
            .inspect(|_| tickets.wanted += 1)
            .filter(|_| first_pass.takes())
            .collect();
        let meeting = chosen.iter().map(|press| {
            let who = (&press.person, press.conduct.has_bad_network);
            let app = App::start(&load.site, &foreign_issuer, networks, who, false);
            async move { meet_relay(app?).await }
        });
        let mut met = iter(meeting).buffered(AT_ONCE);
        let mut apps = VecDeque::new();
        while let Some(app) = met.next().await {
            let (app, has_ticket) = app?;
            tickets.prepared += u64::from(has_ticket);
            tickets.failed += u64::from(!has_ticket);
            apps.push_back(app);
            tell(apps.len() as u64);
        }
        Ok(Self {
            choice,
            apps,
            tickets,
        })
    }

    pub(super) fn tickets(&self) -> Tickets {
        self.tickets
    }

    /// The app of this phone, if it is prepared. Asked of each phone of the plan, in their order.
    pub(super) fn of(&mut self, press: &Press) -> Option<App> {
        let is_prepared = press.conduct.has_ticket && self.choice.takes();
        is_prepared.then(|| self.apps.pop_front()).flatten()
    }
}

/// The app after its visit, and whether it brought a ticket.
async fn meet_relay(mut app: App) -> Result<(App, bool), RunError> {
    let asked = app.handle.check_ready().await.is_ok();
    let has_ticket = asked
        && timeout(READY_WITHIN, is_ready(&mut app))
            .await
            .unwrap_or(false);
    Ok((app, has_ticket))
}

async fn is_ready(app: &mut App) -> bool {
    while let Some(event) = app.events.recv().await {
        match event.event {
            Event::Ready { .. } => return true,
            Event::NotReady => return false,
            _ => {}
        }
    }
    false
}
