import type { Card } from "../api/types";
import { closedAt, type Cards } from "./cards";

export type Lane = "main" | "unverified" | "closed";
export const LANES: readonly Lane[] = ["main", "unverified", "closed"];
export type Lanes = Readonly<Record<Lane, readonly string[]>>;

export const EMPTY_LANES: Lanes = { main: [], unverified: [], closed: [] };

/** No officer has acknowledged it yet: somebody has to look. */
export function isUnseen(card: Card): boolean {
  return card.state === "new" || card.state === "assigned";
}

export function laneOf(card: Card): Lane {
  if (card.state === "closed") return "closed";
  return card.verification === "unverified" ? "unverified" : "main";
}

/** Unseen first, then the earliest deadline, then the time of the raise, then the id. */
export function compareOpen(a: Card, b: Card): number {
  const unseen = Number(isUnseen(b)) - Number(isUnseen(a));
  if (unseen !== 0) return unseen;
  const due = compareNumbers(a.due_at_ms ?? Infinity, b.due_at_ms ?? Infinity);
  if (due !== 0) return due;
  return compareNumbers(a.raised_at_ms, b.raised_at_ms) || compareIds(a.id, b.id);
}

/** The newest close first. */
export function compareClosed(a: Card, b: Card): number {
  return compareNumbers(closedAt(b), closedAt(a)) || compareIds(a.id, b.id);
}

/** The order in which the queue wants to stand when nobody has a hand on it. */
export function sortLanes(cards: Cards): Lanes {
  const lanes: Record<Lane, Card[]> = { main: [], unverified: [], closed: [] };
  for (const card of cards.values()) lanes[laneOf(card)].push(card);
  return {
    main: lanes.main.sort(compareOpen).map((card) => card.id),
    unverified: lanes.unverified.sort(compareOpen).map((card) => card.id),
    closed: lanes.closed.sort(compareClosed).map((card) => card.id),
  };
}

/** Which alert needs somebody most: verified before unverified, overdue by the same deadlines. */
export function mostUrgent(cards: Cards): string | null {
  const unseen = [...cards.values()].filter(isUnseen);
  unseen.sort(
    (a, b) =>
      Number(a.verification === "unverified") - Number(b.verification === "unverified") ||
      compareOpen(a, b),
  );
  return unseen[0]?.id ?? null;
}

function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
