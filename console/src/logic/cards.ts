import type { Card } from "../api/types";

/** All cards of this view by incident id. Never changed in place. */
export type Cards = ReadonlyMap<string, Card>;

/** Closed incidents that a console remembers; older ones are found in the records, not here. */
export const CLOSED_KEPT = 50;

/**
 * Takes over cards that are not older than what is known. Equal revisions replace, because a
 * card that was `pending` becomes durable without a new revision. One that the log does not have
 * gives way to any: what it counted may never come. So does one of another fold of the log, which
 * may have lost what this one counted; the answer to a command names no fold.
 */
export function applyChange(
  cards: Cards,
  incoming: readonly Card[],
  left: readonly string[],
  fold?: string,
): Cards {
  const next = new Map(cards);
  for (const card of incoming) {
    const known = next.get(card.id);
    const isOfAnother = fold !== undefined && known?.fold !== fold;
    const gives = known === undefined || known.unlogged === true || isOfAnother;
    if (gives || card.revision >= known.revision) next.set(card.id, { ...card, fold: fold ?? known?.fold });
  }
  for (const id of left) next.delete(id);
  return dropOldClosed(next);
}

/**
 * What a new stream does not name as unlogged, and what did not come as a card since, was shown by
 * a stream before and is gone.
 */
export function applyUnlogged(cards: Cards, named: readonly string[]): Cards {
  const known = new Set(named);
  const gone = [...cards.values()].filter((card) => card.unlogged === true && !known.has(card.id));
  return gone.length === 0 ? cards : applyChange(cards, [], gone.map((card) => card.id));
}

/** A snapshot is the whole view: what it does not name has left. */
export function applySnapshot(cards: Cards, incoming: readonly Card[], fold?: string): Cards {
  const named = new Set(incoming.map((card) => card.id));
  const left = [...cards.keys()].filter((id) => !named.has(id));
  return applyChange(cards, incoming, left, fold);
}

function dropOldClosed(cards: Map<string, Card>): Cards {
  const closed = [...cards.values()].filter((card) => card.state === "closed");
  if (closed.length <= CLOSED_KEPT) return cards;
  closed.sort((a, b) => closedAt(b) - closedAt(a));
  for (const card of closed.slice(CLOSED_KEPT)) cards.delete(card.id);
  return cards;
}

/** When it was closed, or the last sign of life where the service does not say. */
export function closedAt(card: Card): number {
  return card.closed?.by?.at_ms ?? card.last_report_at_ms ?? card.raised_at_ms;
}
