import { EMPTY_LANES, LANES, type Lane, type Lanes } from "./order";

/**
 * How the queue stands on the screen. While an officer's pointer or keyboard focus is in it, no
 * row changes its place: new alerts are put above, which the list balances by scrolling, and rows
 * that left or moved to another lane keep their place until the hand is off.
 */
export interface Arrangement {
  readonly lanes: Lanes;
  /** Alerts put above each lane since the order was frozen. */
  readonly added: Readonly<Record<Lane, readonly string[]>>;
  /** New alerts beyond what is put above while the order is frozen; counted, not yet placed. */
  readonly waiting: Readonly<Record<Lane, number>>;
  readonly frozen: boolean;
}

/** In a burst of thousands the held row must stay drawn; nobody reads more than this above it. */
export const PLACED_WHILE_FROZEN = 100;

const NONE_WAITING: Readonly<Record<Lane, number>> = { main: 0, unverified: 0, closed: 0 };

export const EMPTY_ARRANGEMENT: Arrangement = {
  lanes: EMPTY_LANES,
  added: EMPTY_LANES,
  waiting: NONE_WAITING,
  frozen: false,
};

export function arrange(before: Arrangement, wanted: Lanes, frozen: boolean): Arrangement {
  if (!frozen) return { lanes: wanted, added: EMPTY_LANES, waiting: NONE_WAITING, frozen: false };
  const placed = new Set(LANES.flatMap((lane) => before.lanes[lane]));
  const lanes: Record<Lane, readonly string[]> = { ...before.lanes };
  const added: Record<Lane, readonly string[]> = { ...before.added };
  const waiting: Record<Lane, number> = { ...NONE_WAITING };
  for (const lane of LANES) {
    const unplaced = wanted[lane].filter((id) => !placed.has(id));
    const fresh = unplaced.slice(0, PLACED_WHILE_FROZEN - before.added[lane].length);
    waiting[lane] = unplaced.length - fresh.length;
    if (fresh.length === 0) continue;
    lanes[lane] = [...fresh, ...before.lanes[lane]];
    added[lane] = [...fresh, ...before.added[lane]];
  }
  return { lanes, added, waiting, frozen: true };
}

/** How many rows were put above `lane` between two arrangements; the list scrolls by as many. */
export function rowsAddedAbove(before: Arrangement, after: Arrangement, lane: Lane): number {
  if (!after.frozen) return 0;
  const earlier = before.frozen ? before.added[lane].length : 0;
  return after.added[lane].length - earlier;
}

/** The row above or below in reading order over all open lanes. */
export function neighbour(lanes: Lanes, from: string | null, step: 1 | -1, shown: readonly Lane[]): string | null {
  const flat = shown.flatMap((lane) => lanes[lane]);
  if (flat.length === 0) return null;
  const at = from === null ? -1 : flat.indexOf(from);
  if (at < 0) return (step === 1 ? flat[0] : flat[flat.length - 1]) ?? null;
  return flat[Math.min(flat.length - 1, Math.max(0, at + step))] ?? null;
}
