//! Judges what the console shows by the plain loop, beside the load and after it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::LOOK_EVERY;
use super::world::World;
use crate::io::run::RunError;
use crate::judge::is_right_desk;

/// Judged at a time, before others may use the core.
const BATCH: usize = 16;

/// While people press, one part of so many of a core's time goes into judging: what it takes is taken
/// from the service where they share a machine.
const REST: u32 = 25;

/// Judges for ever.
pub(super) async fn keep_judging(world: Arc<World>) -> Result<(), RunError> {
    loop {
        if !world.measures().has_unjudged() {
            sleep(LOOK_EVERY).await;
            continue;
        }
        let judge = Arc::clone(&world);
        let took = spawn_blocking(move || judge_batch(&judge)).await?;
        if !world.raised.is_cancelled() {
            sleep(took * REST).await;
        }
    }
}

/// Waits until nothing is left.
pub(super) async fn all_judged(world: &World) {
    loop {
        let counts = world.measures().progress().counts;
        if !world.measures().has_unjudged() && counts.judged >= counts.to_judge {
            return;
        }
        sleep(LOOK_EVERY).await;
    }
}

fn judge_batch(world: &World) -> Duration {
    let begun = Instant::now();
    for _ in 0..BATCH {
        let question = {
            let mut measures = world.measures();
            let unjudged = measures.poll_unjudged();
            unjudged.map(|unjudged| {
                let (desk, places) = measures.question(&unjudged);
                (unjudged, desk, places)
            })
        };
        let Some((unjudged, desk, places)) = question else {
            break;
        };
        let is_right = is_right_desk(&world.judge, &desk, &places);
        world.measures().judged(&unjudged, is_right);
    }
    begun.elapsed()
}
