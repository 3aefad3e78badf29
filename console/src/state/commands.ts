import { signal } from "@preact/signals";
import { http, Refused } from "../api/http";
import { newCommandId } from "../api/random";
import type { Outcome } from "../api/types";
import type { Command, Progress } from "../logic/commands";
import { afterRefusal, mayRetry } from "../logic/commands";
import { isUnseen } from "../logic/order";
import { timeText } from "../logic/format";
import { cards, learn } from "./board";
import { spokenNotice, words } from "./page";
import { deciding } from "./session";

/** How long "done" stays; a failure stays until somebody deals with it. */
const DONE_SHOWN_MS = 8_000;

/** The last command of each incident. */
export const progress = signal<ReadonlyMap<string, Progress>>(new Map());

let finished: (id: string, command: Command) => void = () => undefined;

export function onFinished(handler: (id: string, command: Command) => void): void {
  finished = handler;
}

export function acknowledge(id: string | null): void {
  if (!deciding.peek()) return say(words.peek().command.viewOnly);
  const card = id === null ? undefined : cards.peek().get(id);
  if (card === undefined) return say(words.peek().command.selectFirst);
  if (!isUnseen(card)) return say(words.peek().command.already);
  run(card.id, { kind: "acknowledge", body: { command_id: newCommandId(), revision: card.revision } });
}

export function sendText(id: string, text: string): void {
  run(id, { kind: "message", body: { command_id: newCommandId(), text } });
}

export function saveNote(id: string, text: string): void {
  run(id, { kind: "note", body: { command_id: newCommandId(), text } });
}

export function close(id: string, outcome: Outcome, note: string): void {
  const card = cards.peek().get(id);
  if (card === undefined) return;
  const body = { command_id: newCommandId(), revision: card.revision, outcome };
  run(id, { kind: "close", body: note === "" ? body : { ...body, note } });
}

/** Repeats the last command as it was, with its id. */
export function retry(id: string): void {
  const last = progress.peek().get(id);
  if (last !== undefined && mayRetry(last)) run(id, last.command);
}

export function dismiss(id: string): void {
  const next = new Map(progress.peek());
  next.delete(id);
  progress.value = next;
}

export function isSending(id: string): boolean {
  return progress.peek().get(id)?.phase === "sending";
}

function run(id: string, command: Command): void {
  if (isSending(id)) return say(words.peek().command.busy);
  set(id, { phase: "sending", command });
  void submit(id, command);
}

async function submit(id: string, command: Command): Promise<void> {
  try {
    const verdict = await http.command(id, command);
    if (verdict.card) learn(verdict.card);
    const effective = verdict.outcome === "effective";
    set(id, effective ? { phase: "done", command } : { phase: "superseded", command, by: verdict.by ?? null });
    finished(id, command);
    if (effective) setTimeout(() => clear(id, command), DONE_SHOWN_MS);
  } catch (error) {
    set(
      id,
      error instanceof Refused
        ? afterRefusal(command, error.code, error.message)
        : { phase: "unanswered", command },
    );
  }
}

function clear(id: string, command: Command): void {
  const last = progress.peek().get(id);
  if (last?.phase === "done" && last.command === command) dismiss(id);
}

function set(id: string, to: Progress): void {
  progress.value = new Map(progress.peek()).set(id, to);
  say(progressText(to));
}

/** What is said and shown about a command; one sentence, the whole truth. */
export function progressText(p: Progress): string {
  const w = words.value;
  const name = w.command.name[p.command.kind];
  switch (p.phase) {
    case "sending":
      return w.command.sending(name);
    case "done":
      return w.command.done[p.command.kind];
    case "superseded": {
      const at = p.by?.at_ms;
      if (p.by === null || at === undefined) return w.command.supersededUnknown;
      return w.command.superseded(p.by.name, timeText(at, w.locale));
    }
    case "refused":
      return p.code === "unlogged" ? w.command.unlogged(name) : w.command.refused(name);
    case "unanswered":
      return w.command.unanswered(name);
  }
}

function say(text: string): void {
  spokenNotice.value = text;
}
