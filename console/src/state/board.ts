import { computed, signal } from "@preact/signals";
import { http, Refused } from "../api/http";
import { openStream } from "../api/stream";
import type { Card, Change, Health } from "../api/types";
import { applyChange, applySnapshot, applyUnlogged, type Cards } from "../logic/cards";
import * as link from "../logic/connection";
import { handleMap, isNews, UNKNOWN_MAP } from "../logic/known-map";
import { isUnseen } from "../logic/order";
import { heardServerTime, localNow, now, onTick, serverNow, tick } from "./time";

/** Cards that left the view but may still stand under somebody's pointer. */
const DEPARTED_KEPT = 100;
/** In a burst the page is drawn twenty times a second, not for every card. */
const GATHER_MS = 50;

export const cards = signal<Cards>(new Map());
export const health = signal<Health | null>(null);
export const loaded = signal(false);
const knownMap = signal(UNKNOWN_MAP);
/** The version of the map, while it is news that it is another one. */
export const newMap = computed(() => {
  void now.value;
  return isNews(knownMap.value, localNow()) ? knownMap.value.version : null;
});
const connection = signal(link.begin(0));
/** Service time at which the service was last heard. */
export const lastHeardAt = signal<number | null>(null);
export const line = computed<link.Line>(() => {
  void now.value;
  return link.line(connection.value, localNow());
});
export const unseenCount = computed(() => [...cards.value.values()].filter(isUnseen).length);

const departed = new Map<string, Card>();
let running = false;
let generation = 0;
let waiting: Change[] = [];
let flushTimer = 0;
let endStream: (() => void) | null = null;
let sessionEnded: () => void = () => undefined;

export function onSessionEnded(handler: () => void): void {
  sessionEnded = handler;
}

/** The card as it is, or as it was when it left this view. */
export function cardOf(id: string): Card | undefined {
  return cards.value.get(id) ?? departed.get(id);
}

export function start(): void {
  running = true;
  connection.value = link.begin(localNow());
  void load();
}

export function stop(): void {
  running = false;
  drop();
  departed.clear();
  cards.value = new Map();
  health.value = null;
  knownMap.value = UNKNOWN_MAP;
  loaded.value = false;
  lastHeardAt.value = null;
}

/** Merges a card that came as the answer to a command. */
export function learn(card: Card): void {
  replace(applyChange(cards.peek(), [card], []));
}

async function load(): Promise<void> {
  drop();
  const mine = generation;
  try {
    const board = await http.board();
    if (mine !== generation || !running) return;
    heard(board.server_at_ms);
    if (board.health) hearHealth(board.health);
    replace(applySnapshot(cards.peek(), board.cards, board.fold));
    loaded.value = true;
    listen(board.cursor);
  } catch (error) {
    if (mine !== generation || !running) return;
    if (error instanceof Refused && error.status === 401) sessionEnded();
    else connection.value = link.handleClosed(connection.peek(), localNow());
  }
}

function listen(cursor: string): void {
  endStream = openStream(cursor, {
    change(change) {
      heard(change.server_at_ms);
      waiting.push(change);
      if (flushTimer === 0) flush();
    },
    health(word) {
      heard(word.server_at_ms);
      const before = knownMap.peek().version;
      hearHealth(word);
      tick();
      // With another map other incidents may be in view, under other names.
      if (before !== null && knownMap.peek().version !== before) void load();
    },
    wavering() {
      connection.value = link.handleWavering(connection.peek());
    },
    closed() {
      connection.value = link.handleClosed(connection.peek(), localNow());
    },
  });
}

/** The first change is shown at once, those of the next moment together. */
function flush(): void {
  clearTimeout(flushTimer);
  flushTimer = 0;
  if (waiting.length === 0) return;
  let next = cards.peek();
  for (const change of waiting) {
    next = applyChange(next, change.cards, change.left ?? [], change.fold);
    if (change.unlogged !== undefined) next = applyUnlogged(next, change.unlogged);
  }
  waiting = [];
  replace(next);
  tick();
  flushTimer = window.setTimeout(flush, GATHER_MS);
}

function hearHealth(word: Health): void {
  health.value = word;
  knownMap.value = handleMap(knownMap.peek(), word.map?.version, localNow());
}

function heard(serverAtMs: number): void {
  heardServerTime(serverAtMs);
  connection.value = link.handleHeard(connection.peek(), localNow());
  lastHeardAt.value = serverNow();
}

function replace(next: Cards): void {
  for (const [id, card] of cards.peek()) {
    if (next.has(id)) continue;
    departed.delete(id);
    departed.set(id, card);
  }
  for (const id of departed.keys()) {
    if (departed.size <= DEPARTED_KEPT && !next.has(id)) continue;
    departed.delete(id);
  }
  cards.value = next;
}

function drop(): void {
  generation += 1;
  waiting = [];
  endStream?.();
  endStream = null;
}

onTick(() => {
  if (!running) return;
  const at = localNow();
  if (link.mustReplace(connection.peek(), at)) {
    drop();
    connection.value = link.handleClosed(connection.peek(), at);
  } else if (link.mustRetry(connection.peek(), at)) {
    connection.value = link.handleRetryStarted(connection.peek(), at);
    void load();
  }
});
