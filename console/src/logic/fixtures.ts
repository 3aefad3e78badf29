import type { Card } from "../api/types";
import type { Cards } from "./cards";

/** A card for tests: verified, assigned, raised at 0, unless told otherwise. */
export function card(id: string, fields: Partial<Card> = {}): Card {
  return {
    id,
    revision: 1,
    state: "assigned",
    verification: "verified",
    raised_at_ms: 0,
    presses: 1,
    station: { id: "s", name: "s" },
    ...fields,
  };
}

export function board(...cards: Card[]): Cards {
  return new Map(cards.map((one) => [one.id, one]));
}
