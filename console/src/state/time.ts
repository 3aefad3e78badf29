import { signal } from "@preact/signals";
import { EMPTY_CLOCK, observe, serverTime } from "../logic/clock";

/** Four times a second: a seconds display that never seems to skip one. */
const TICK_MS = 250;

let clock = EMPTY_CLOCK;

/** Service time now, as far as this page knows. */
export function serverNow(): number {
  return serverTime(clock, performance.now(), Date.now());
}

/** Monotonic local time, for everything about the line itself. */
export function localNow(): number {
  return performance.now();
}

export function heardServerTime(serverAtMs: number): void {
  clock = observe(clock, serverAtMs, performance.now());
}

/** Service time as a signal; clocks on the page read it. */
export const now = signal(Date.now());

type Listener = () => void;
const listeners = new Set<Listener>();

/** Calls back with every tick, and with every word of the service: timers of hidden pages sleep. */
export function onTick(listener: Listener): void {
  listeners.add(listener);
}

export function tick(): void {
  now.value = serverNow();
  for (const listener of listeners) listener();
}

export function startTicking(): void {
  setInterval(tick, TICK_MS);
}
