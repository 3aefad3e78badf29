import { computed, effect, signal } from "@preact/signals";
import { arrange, EMPTY_ARRANGEMENT, neighbour } from "../logic/freeze";
import { mostUrgent, sortLanes, type Lane } from "../logic/order";
import { cards } from "./board";
import { selectedId } from "./page";

/** Where an officer's hand is: the order stands still while either is true. */
export const pointerIn = signal(false);
export const keyboardIn = signal(false);
export const closedOpen = signal(false);
export const arrangement = signal(EMPTY_ARRANGEMENT);

/** The unverified lane opens and shuts only while nobody's hand is in the queue. */
export const unverifiedOpen = signal(false);

export const shownLanes = computed<readonly Lane[]>(() =>
  closedOpen.value ? ["main", "unverified", "closed"] : ["main", "unverified"],
);

export function startQueue(): void {
  effect(() => {
    const frozen = pointerIn.value || keyboardIn.value;
    arrangement.value = arrange(arrangement.peek(), sortLanes(cards.value), frozen);
    if (!frozen) unverifiedOpen.value = arrangement.peek().lanes.unverified.length > 0;
  });
}

/** Sorts anew although a hand is in the queue: the officer asked for it. */
export function sortAgain(): void {
  const frozen = pointerIn.peek() || keyboardIn.peek();
  const sorted = arrange(arrangement.peek(), sortLanes(cards.peek()), false);
  arrangement.value = { ...sorted, frozen };
  unverifiedOpen.value = sorted.lanes.unverified.length > 0;
  for (const list of document.querySelectorAll(".lane__list")) list.scrollTop = 0;
}

export function selectRow(id: string): void {
  selectedId.value = id;
  requestAnimationFrame(() => rowElement(id)?.focus());
}

export function step(by: 1 | -1): void {
  const id = neighbour(arrangement.peek().lanes, selectedId.peek(), by, shownLanes.peek());
  if (id !== null) selectRow(id);
}

export function selectMostUrgent(): void {
  const id = mostUrgent(cards.peek());
  if (id === null) return;
  sortAgain();
  selectRow(id);
}

export function focusSelectedRow(): void {
  const id = selectedId.peek();
  const row = id === null ? null : rowElement(id);
  if (row !== null) row.focus();
  else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

export function rowElement(id: string): HTMLElement | null {
  return document.getElementById(`row-${id}`);
}
