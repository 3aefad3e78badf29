import type { Card } from "../api/types";

/** A phone is out of contact after this many of its own expected intervals without a report. */
export const LOST_AFTER_INTERVALS = 3;

/** The service speaks every 5 s; after 12 s of silence the console must not pretend to be live. */
export const SILENCE_LIMIT_MS = 12_000;

/** Below this the phone may be gone before help arrives. */
export const LOW_BATTERY_PERCENT = 15;

/** Milliseconds since contact was lost, or null while the phone is heard or its rhythm unknown. */
export function contactLostFor(card: Card, now: number): number | null {
  if (card.state === "closed") return null;
  if (card.expected_interval_ms === undefined || card.last_report_at_ms === undefined) return null;
  const silent = now - card.last_report_at_ms;
  return silent > LOST_AFTER_INTERVALS * card.expected_interval_ms ? silent : null;
}

export type Deadline = { kind: "none" } | { kind: "left" | "over"; ms: number };

/** The deadline runs until an officer has acknowledged. */
export function deadline(card: Card, now: number): Deadline {
  if (card.due_at_ms === undefined || card.state === "acknowledged" || card.state === "closed") {
    return { kind: "none" };
  }
  const ms = card.due_at_ms - now;
  return ms >= 0 ? { kind: "left", ms } : { kind: "over", ms: -ms };
}

export function isOverdue(card: Card, now: number): boolean {
  return deadline(card, now).kind === "over";
}

export function isBatteryLow(card: Card): boolean {
  return (
    card.battery_percent !== undefined &&
    card.battery_percent <= LOW_BATTERY_PERCENT &&
    card.charging !== true
  );
}
