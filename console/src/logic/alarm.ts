import type { Card } from "../api/types";
import type { Cards } from "./cards";
import { isOverdue } from "./freshness";
import { isUnseen } from "./order";

/**
 * When this page sounds. A verified alert sounds at once and again until it is acknowledged;
 * an unverified one, and a further press on one that is in hand, a bounded number of times.
 * Pure: time goes in, the tone that is due comes out, `played` says that it was really heard.
 */
export type Tone = "alarm" | "unverified" | "again" | "disconnected";

interface Voice {
  readonly presses: number;
  readonly unseen: boolean;
  /** Sounds still owed; Infinity until acknowledged. */
  readonly owed: number;
}

export interface Alarm {
  readonly voices: ReadonlyMap<string, Voice>;
  readonly nextAt: number | null;
  readonly lastAt: number;
  readonly lineLost: boolean;
}

export const ALARM_REPEAT_MS = 5_000;
/** Somebody has waited longer than the policy allows: the room must not get used to it. */
export const OVERDUE_REPEAT_MS = 2_500;
export const DISCONNECTED_REPEAT_MS = 15_000;
/** Two alerts in the same second are one sound; more would be noise without a message. */
export const SHORTEST_GAP_MS = 1_200;
/** Sounds of one unverified alert, and of a press on an alert that is already in hand. */
export const BOUNDED_SOUNDS = 3;

export const SILENT: Alarm = { voices: new Map(), nextAt: null, lastAt: -Infinity, lineLost: false };

export function handleBoard(alarm: Alarm, cards: Cards, now: number): Alarm {
  const voices = new Map<string, Voice>();
  let urgent = false;
  for (const card of cards.values()) {
    const before = alarm.voices.get(card.id);
    const after = voiceOf(card, before);
    voices.set(card.id, after);
    if (after.owed > 0 && isNews(before, after)) urgent = true;
  }
  return plan({ ...alarm, voices }, urgent, now);
}

export function handleLine(alarm: Alarm, lost: boolean, now: number): Alarm {
  if (lost === alarm.lineLost) return alarm;
  return plan({ ...alarm, lineLost: lost }, lost, now);
}

/** The tone that is due, or null. Asking changes nothing: a blocked tone stays due. */
export function dueTone(alarm: Alarm, cards: Cards, now: number): Tone | null {
  if (alarm.nextAt === null || now < alarm.nextAt) return null;
  const owing = [...alarm.voices].filter(([, voice]) => voice.owed > 0);
  if (owing.some(([, voice]) => voice.owed === Infinity)) return "alarm";
  if (owing.some(([, voice]) => !voice.unseen)) return "again";
  if (owing.some(([id]) => cards.has(id))) return "unverified";
  return alarm.lineLost ? "disconnected" : null;
}

/** A tone was really heard; every voice that owed one owes one less. */
export function handlePlayed(alarm: Alarm, cards: Cards, now: number): Alarm {
  const voices = new Map<string, Voice>();
  for (const [id, voice] of alarm.voices) voices.set(id, { ...voice, owed: Math.max(0, voice.owed - 1) });
  return { ...alarm, voices, lastAt: now, nextAt: nextAfter({ ...alarm, voices }, cards, now) };
}

/** The incidents for which the next tone speaks. */
export function speakingFor(alarm: Alarm): string[] {
  return [...alarm.voices].filter(([, voice]) => voice.owed > 0).map(([id]) => id);
}

function voiceOf(card: Card, before: Voice | undefined): Voice {
  const unseen = isUnseen(card);
  const pressedAgain = before !== undefined && card.presses > before.presses;
  const presses = Math.max(card.presses, before?.presses ?? 0);
  if (card.state === "closed") return { presses, unseen, owed: 0 };
  if (!unseen) return { presses, unseen, owed: pressedAgain ? BOUNDED_SOUNDS : keptAfterAck(before) };
  // A late alert is older than its tombstone's neighbours: it is shown, and rings for nobody.
  if (card.late === true && !pressedAgain) return { presses, unseen, owed: 0 };
  if (card.verification === "verified") return { presses, unseen, owed: Infinity };
  const first = before === undefined || !before.unseen || before.owed === Infinity;
  return { presses, unseen, owed: first || pressedAgain ? BOUNDED_SOUNDS : before.owed };
}

/** Acknowledging ends an alarm; the rest of a "pressed again" is still owed. */
function keptAfterAck(before: Voice | undefined): number {
  return before === undefined || before.unseen ? 0 : before.owed;
}

function isNews(before: Voice | undefined, after: Voice): boolean {
  return before === undefined || after.presses > before.presses || (after.unseen && !before.unseen);
}

function plan(alarm: Alarm, urgent: boolean, now: number): Alarm {
  const owes = alarm.lineLost || [...alarm.voices.values()].some((voice) => voice.owed > 0);
  if (!owes) return { ...alarm, nextAt: null };
  const soonest = Math.max(now, alarm.lastAt + SHORTEST_GAP_MS);
  if (urgent || alarm.nextAt === null) return { ...alarm, nextAt: Math.min(alarm.nextAt ?? soonest, soonest) };
  return alarm;
}

function nextAfter(alarm: Alarm, cards: Cards, now: number): number | null {
  const owing = speakingFor(alarm);
  if (owing.length === 0) return alarm.lineLost ? now + DISCONNECTED_REPEAT_MS : null;
  return now + ALARM_REPEAT_MS - (owing.some((id) => waitsTooLong(cards.get(id), now)) ? ALARM_REPEAT_MS - OVERDUE_REPEAT_MS : 0);
}

function waitsTooLong(card: Card | undefined, now: number): boolean {
  return card !== undefined && card.verification === "verified" && isOverdue(card, now);
}
