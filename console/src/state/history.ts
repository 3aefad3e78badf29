import { effect, signal } from "@preact/signals";
import { http } from "../api/http";
import type { Card, HistoryItem } from "../api/types";
import { cards } from "./board";
import { historyOpen, selectedId } from "./page";
import { localNow, onTick } from "./time";

export interface HistoryView {
  readonly id: string | null;
  readonly items: readonly HistoryItem[];
  readonly phase: "idle" | "loading" | "failed";
}

/** Positions move a card every few seconds; its history need not be read as often. */
const SHORTEST_GAP_MS = 3_000;
/** Entries kept of one incident; a longer history is cut at its beginning. */
const ITEMS_KEPT = 2_000;

export const history = signal<HistoryView>({ id: null, items: [], phase: "idle" });

let next = 0;
let seenMark = "";
let wanted = false;
let lastAt = -Infinity;

/** Changes when something happened that belongs into the talk or the history. */
function markOf(card: Card | undefined, open: boolean): string {
  if (card === undefined) return "";
  const parts = [card.state, card.presses, card.talk?.count, card.cancel?.claimed_at_ms, card.acknowledged_by?.at_ms];
  return [...parts, open ? card.revision : ""].join("|");
}

export function startHistory(): void {
  effect(() => {
    const id = selectedId.value;
    if (id === history.peek().id) return;
    history.value = { id, items: [], phase: id === null ? "idle" : "loading" };
    next = 0;
    seenMark = "";
    lastAt = -Infinity;
  });
  effect(() => {
    const id = selectedId.value;
    const mark = id === null ? "" : markOf(cards.value.get(id), historyOpen.value);
    if (mark === seenMark || mark === "") return;
    seenMark = mark;
    wanted = true;
    pump();
  });
  onTick(pump);
}

export function readAgain(): void {
  wanted = true;
  lastAt = -Infinity;
  pump();
}

function pump(): void {
  if (!wanted || localNow() - lastAt < SHORTEST_GAP_MS) return;
  wanted = false;
  lastAt = localNow();
  const id = history.peek().id;
  if (id !== null) void read(id);
}

async function read(id: string): Promise<void> {
  try {
    const from = next;
    const page = await http.history(id, from);
    const view = history.peek();
    if (view.id !== id || next !== from) return;
    next = page.next;
    history.value = { id, items: [...view.items, ...page.items].slice(-ITEMS_KEPT), phase: "idle" };
    // There may be another page; reading leaves a "viewed" of its own, which is no reason to go on.
    if (page.items.some((item) => item.kind !== "viewed")) wanted = true;
  } catch {
    if (history.peek().id === id) history.value = { ...history.peek(), phase: "failed" };
  }
}
