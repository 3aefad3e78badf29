import { signal } from "@preact/signals";
import type { Outcome } from "../api/types";
import { needsSecondKey } from "../logic/commands";
import { cardOf } from "./board";
import * as commands from "./commands";
import { selectedId, spokenNotice, words } from "./page";
import { focusSelectedRow } from "./queue";
import { deciding } from "./session";

export type ComposerKind = "text" | "note" | "close";
export interface Composer {
  readonly kind: ComposerKind;
  readonly id: string;
  /** The second step asks for a second key. */
  readonly confirming: boolean;
  readonly outcome: Outcome | null;
}

export const OUTCOMES: readonly Outcome[] = ["helped", "false_press", "duplicate", "unreachable", "other"];

export const composer = signal<Composer | null>(null);
/** What is half written stays with its incident until it has been recorded. */
export const drafts = signal<ReadonlyMap<string, string>>(new Map());

commands.onFinished((id, command) => {
  if (command.kind === "message") setDraft("text", id, "");
  if (command.kind === "note") setDraft("note", id, "");
  if (command.kind === "close") setDraft("close", id, "");
});

export function draftOf(kind: ComposerKind, id: string): string {
  return drafts.value.get(`${kind}:${id}`) ?? "";
}

export function setDraft(kind: ComposerKind, id: string, text: string): void {
  const next = new Map(drafts.peek());
  if (text === "") next.delete(`${kind}:${id}`);
  else next.set(`${kind}:${id}`, text);
  drafts.value = next;
}

export function openComposer(kind: ComposerKind): void {
  const id = selectedId.peek();
  if (!deciding.peek()) spokenNotice.value = words.peek().command.viewOnly;
  else if (id === null) spokenNotice.value = words.peek().command.selectFirst;
  else composer.value = { kind, id, confirming: false, outcome: null };
}

/** One step back: from the question to the form, from the form to the alert. */
export function backComposer(): void {
  const open = composer.peek();
  if (open?.confirming) composer.value = { ...open, confirming: false };
  else leave();
}

export function chooseOutcome(outcome: Outcome): void {
  const open = composer.peek();
  if (open?.kind === "close") composer.value = { ...open, outcome };
}

/** The first key: done at once where nothing can go wrong, else the question comes up. */
export function submitComposer(): void {
  const open = composer.peek();
  if (open === null || open.confirming) return;
  const text = draftOf(open.kind, open.id).trim();
  if (open.kind === "close") {
    if (open.outcome !== null) composer.value = { ...open, confirming: true };
    return;
  }
  if (text === "") {
    spokenNotice.value = words.peek().command.empty;
  } else if (open.kind === "text" && needsSecondKey(cardOf(open.id)?.capability?.hears_text)) {
    composer.value = { ...open, confirming: true };
  } else finish(open, text);
}

/** The second key. */
export function confirmComposer(): void {
  const open = composer.peek();
  if (open?.confirming) finish(open, draftOf(open.kind, open.id).trim());
}

function finish(open: Composer, text: string): void {
  if (commands.isSending(open.id)) {
    spokenNotice.value = words.peek().command.busy;
    return;
  }
  if (open.kind === "text") commands.sendText(open.id, text);
  if (open.kind === "note") commands.saveNote(open.id, text);
  if (open.kind === "close" && open.outcome !== null) commands.close(open.id, open.outcome, text);
  leave();
}

/** The keyboard goes back to the alert at once: the next key is already on its way. */
function leave(): void {
  composer.value = null;
  focusSelectedRow();
}
