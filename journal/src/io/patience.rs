//! For tests: waiting for what does come.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

/// Ticks before a test gives up: two minutes. Ticks and not time are counted, as a machine that does
/// other things may stop the test, and whatever it waits for, for any time.
const TICKS_MAX: usize = 1_200;

const TICK: Duration = Duration::from_millis(100);

/// Something that does come; when it does not, the test fails and does not hang.
pub(super) async fn within<T>(coming: impl Future<Output = T>) -> T {
    let mut coming = pin!(coming);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..TICKS_MAX {
        tokio::select! {
            biased;
            come = &mut coming => return come,
            _ = ticks.tick() => {}
        }
    }
    panic!("it never came")
}
