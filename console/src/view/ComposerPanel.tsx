import { useLayoutEffect, useRef } from "preact/hooks";
import type { Card } from "../api/types";
import { TEXT_LIMIT } from "../logic/commands";
import { hearsText } from "../logic/describe";
import { digitIndex, isConfirm } from "../logic/keys";
import * as state from "../state/composer";
import { words } from "../state/page";
import { Icon } from "./Icon";

interface Props {
  open: state.Composer;
  card: Card;
}

/** Where an officer writes or closes. Takes the keyboard until it is sent or left with Esc. */
export function ComposerPanel({ open, card }: Props) {
  const panel = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    panel.current?.querySelector<HTMLElement>("[data-first]")?.focus();
  }, [open.kind, open.confirming]);
  /** The next key must find its place at once, before the page has been drawn again. */
  const settle = (): void => {
    if (state.composer.peek()?.confirming) panel.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    // The Enter that ends a Korean syllable is not the Enter that sends.
    if (event.isComposing) return;
    const key = { code: event.code, key: event.key, shift: event.shiftKey, modified: event.ctrlKey || event.altKey || event.metaKey };
    if (event.key === "Escape") {
      event.preventDefault();
      state.backComposer();
    } else if (open.confirming && isConfirm(key)) {
      event.preventDefault();
      if (!event.repeat) state.confirmComposer();
    } else if (!open.confirming && event.key === "Enter" && !event.shiftKey && !isButton(event.target)) {
      event.preventDefault();
      if (!event.repeat) state.submitComposer();
      settle();
    } else chooseByDigit(event, open);
  };

  return (
    <div ref={panel} class={`composer ${open.confirming ? "composer--asking" : ""}`} id="composer" tabIndex={-1} onKeyDown={onKeyDown}>
      {open.confirming ? <Question open={open} card={card} /> : <Form open={open} card={card} />}
    </div>
  );
}

function chooseByDigit(event: KeyboardEvent, open: state.Composer): void {
  if (open.kind !== "close" || open.confirming || event.target instanceof HTMLTextAreaElement) return;
  const outcome = state.OUTCOMES[digitIndex(event.code) ?? -1];
  if (outcome === undefined) return;
  event.preventDefault();
  state.chooseOutcome(outcome);
}

function isButton(target: EventTarget | null): boolean {
  return target instanceof HTMLButtonElement;
}

function Form({ open, card }: Props) {
  const w = words.value;
  const c = w.composer;
  const label = open.kind === "close" ? c.closeLabel : open.kind === "text" ? c.textLabel : c.noteLabel;
  return (
    <form
      class="composer__form"
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        state.submitComposer();
      }}
    >
      {open.kind === "close" && <Outcomes open={open} />}
      {open.kind === "text" && <Hears card={card} />}
      <label class="composer__label">
        <span>{open.kind === "close" ? c.closeNote : label}</span>
        <Writing open={open} first={open.kind !== "close"} />
      </label>
      <div class="composer__foot">
        <p class="composer__keys">{open.kind === "close" ? c.closeKeys : c.keys}</p>
        <button type="button" class="button" onClick={state.backComposer}>
          {w.action.cancel}
        </button>
        <button type="submit" class="button button--primary" disabled={open.kind === "close" && open.outcome === null}>
          {open.kind === "close" ? w.action.next : open.kind === "text" ? w.action.send : w.action.save}
        </button>
      </div>
    </form>
  );
}

function Writing({ open, first }: { open: state.Composer; first: boolean }) {
  const w = words.value;
  const text = state.draftOf(open.kind, open.id);
  return (
    <>
      <textarea
        {...(first ? { "data-first": true } : {})}
        rows={open.kind === "close" ? 1 : 3}
        maxLength={TEXT_LIMIT}
        value={text}
        onInput={(event) => state.setDraft(open.kind, open.id, event.currentTarget.value)}
      />
      <span class="composer__left">{w.composer.left(TEXT_LIMIT - text.length)}</span>
    </>
  );
}

function Outcomes({ open }: { open: state.Composer }) {
  const w = words.value;
  return (
    <fieldset class="outcomes">
      <legend>{w.composer.closeLabel}</legend>
      {state.OUTCOMES.map((outcome, at) => (
        <label key={outcome} class="outcomes__one">
          <input
            type="radio"
            name="outcome"
            {...(at === 0 ? { "data-first": true } : {})}
            checked={open.outcome === outcome}
            onChange={() => state.chooseOutcome(outcome)}
          />
          <kbd>{at + 1}</kbd>
          <span>{w.outcome[outcome]}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Hears({ card }: { card: Card }) {
  const hears = card.capability?.hears_text ?? "unknown";
  return (
    <p class={hears === "covertly" ? "composer__hears" : "composer__hears composer__hears--warn"}>
      <Icon name={hears === "covertly" ? "check" : "alert"} />
      <span>{hearsText(card, words.value)}</span>
    </p>
  );
}

function Question({ open, card }: Props) {
  const w = words.value;
  const c = w.composer;
  const closing = open.kind === "close";
  const head = closing && open.outcome !== null ? c.confirmHead(w.outcome[open.outcome]) : c.visibleHead;
  return (
    <div class="composer__question" role="alertdialog" aria-labelledby="question-head" aria-describedby="question-text" tabIndex={-1} data-first>
      <p class="composer__head" id="question-head">
        <Icon name="alert" />
        {head}
      </p>
      <div id="question-text">
        {closing ? <p>{c.confirmTell}</p> : <Hears card={card} />}
        <p>
          <strong>{closing ? c.confirmAsk : c.visibleAsk}</strong>
        </p>
      </div>
      <div class="composer__foot">
        <button type="button" class="button" onClick={state.backComposer}>
          {w.action.cancel} <kbd>Esc</kbd>
        </button>
        <button type="button" class="button button--danger" onClick={state.confirmComposer}>
          {closing ? c.confirm : c.sendAnyway} <kbd>Y</kbd>
        </button>
      </div>
    </div>
  );
}
