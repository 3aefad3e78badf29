import { SILENCE_LIMIT_MS } from "./freshness";

/** What the officer is told about the line to the service. */
export type Line = "connecting" | "live" | "reconnecting" | "lost";

export interface Connection {
  /** Local monotonic time at which the service was last heard; null before the first word. */
  readonly heardAt: number | null;
  readonly startedAt: number;
  readonly broken: boolean;
  readonly attempts: number;
  /** When the next attempt is due, while nothing is open. */
  readonly retryAt: number | null;
}

const FIRST_RETRY_MS = 500;
/** A dispatcher that restarts is back within seconds; waiting longer only keeps officers blind. */
const LONGEST_RETRY_MS = 5_000;

export function begin(now: number): Connection {
  return { heardAt: null, startedAt: now, broken: false, attempts: 0, retryAt: null };
}

export function handleHeard(c: Connection, now: number): Connection {
  return { ...c, heardAt: now, broken: false, attempts: 0, retryAt: null };
}

/** The browser's own reconnection is under way; nothing to do but to say so. */
export function handleWavering(c: Connection): Connection {
  return { ...c, broken: true };
}

/** The stream is closed for good: a new one is needed, after a growing wait. */
export function handleClosed(c: Connection, now: number): Connection {
  const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** c.attempts);
  return { ...c, broken: true, attempts: c.attempts + 1, retryAt: now + wait };
}

export function handleRetryStarted(c: Connection, now: number): Connection {
  return { ...c, retryAt: null, startedAt: now };
}

/** A stream that is open and silent is half dead: it must be replaced. */
export function mustReplace(c: Connection, now: number): boolean {
  return c.retryAt === null && now - Math.max(c.heardAt ?? c.startedAt, c.startedAt) > SILENCE_LIMIT_MS;
}

export function mustRetry(c: Connection, now: number): boolean {
  return c.retryAt !== null && now >= c.retryAt;
}

export function line(c: Connection, now: number): Line {
  if (now - (c.heardAt ?? c.startedAt) > SILENCE_LIMIT_MS) return "lost";
  if (c.heardAt === null) return c.attempts > 1 ? "lost" : "connecting";
  return c.broken ? "reconnecting" : "live";
}
