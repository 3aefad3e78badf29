/**
 * The service's clock as this page knows it. A sample is always late by the way it travelled, so
 * the largest offset of the last samples is the best one. The local side is a monotonic clock: a
 * workstation whose wall clock jumps must not change what "since SOS" says.
 */
export interface ServerClock {
  readonly samples: readonly number[];
}

/** About 80 s of heartbeats: long enough to see one fast delivery, short enough to follow a drift. */
const SAMPLES_KEPT = 16;

export const EMPTY_CLOCK: ServerClock = { samples: [] };

export function observe(clock: ServerClock, serverAtMs: number, localMs: number): ServerClock {
  return { samples: [...clock.samples, serverAtMs - localMs].slice(-SAMPLES_KEPT) };
}

/** Service time at a local moment; `fallbackMs` is used before the service has said anything. */
export function serverTime(clock: ServerClock, localMs: number, fallbackMs: number): number {
  return clock.samples.length === 0 ? fallbackMs : localMs + Math.max(...clock.samples);
}
