//! The pulse: how long a task waits for its turn tells how much can go in, and operators hear when phones are left
//! without an answer.

use std::sync::Arc;

use protocol::Millis;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::hub::Hub;
use super::intake_socket::IntakeSocket;
use super::problems::Problem;
use crate::limits::{OVERLOAD_ENDS_AFTER, PULSE};

/// For ever.
pub(crate) async fn feel(hub: Arc<Hub>, intake: Arc<IntakeSocket>) {
    let mut overload = Overload::default();
    loop {
        let due = Instant::now() + PULSE.to_duration();
        sleep_until(due).await;
        // Behind the tasks that wait for their turn already.
        yield_now().await;
        intake.handle_pulse(due.elapsed());
        overload.look(&hub);
    }
}

/// Attempts that were left out are a problem until none was for a while.
#[derive(Default)]
struct Overload {
    seen: u64,
    ends_at: Option<u64>,
}

impl Overload {
    fn look(&mut self, hub: &Hub) {
        let now: Millis = hub.tick();
        let left_out = hub.metrics.attempts_left_out.get();
        if left_out > self.seen {
            self.seen = left_out;
            self.ends_at = Some(now.0.saturating_add(OVERLOAD_ENDS_AFTER.0));
            let words = "more phones come than can be answered, and some wait in vain";
            if hub.problems.begin(Problem::Overloaded, words.to_owned()) {
                tracing::error!("{words}");
            }
        }
        let has_ended = self.ends_at.take_if(|ends_at| now.0 >= *ends_at).is_some();
        if has_ended && hub.problems.end(Problem::Overloaded) {
            tracing::info!("all phones that come are answered again");
        }
    }
}
