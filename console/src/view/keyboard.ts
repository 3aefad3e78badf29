import { actionOf, type Action } from "../logic/keys";
import { testSound } from "../state/alarm";
import { acknowledge } from "../state/commands";
import { backComposer, composer, openComposer } from "../state/composer";
import { helpOpen, historyOpen, selectedId } from "../state/page";
import { fitMap } from "../state/mapview";
import { focusSelectedRow, selectMostUrgent, step } from "../state/queue";
import { officer } from "../state/session";

const DO: Record<Action, () => void> = {
  next: () => step(1),
  previous: () => step(-1),
  urgent: selectMostUrgent,
  acknowledge: () => acknowledge(selectedId.peek()),
  text: () => openComposer("text"),
  note: () => openComposer("note"),
  close: () => openComposer("close"),
  history: () => (historyOpen.value = !historyOpen.peek()),
  fit: fitMap,
  sound: () => void testSound(),
  help: () => (helpOpen.value = true),
};

export function startKeyboard(): void {
  document.addEventListener("keydown", onKeyDown);
}

function onKeyDown(event: KeyboardEvent): void {
  if (!officer.peek() || helpOpen.peek() || isWriting(event.target)) return;
  if (event.key === "Escape") {
    if (composer.peek()) backComposer();
    else focusSelectedRow();
    return;
  }
  const modified = event.ctrlKey || event.altKey || event.metaKey;
  if (isEnterOnRow(event) && !modified) {
    event.preventDefault();
    // A key that is held down on one alert must not acknowledge the next one.
    if (!event.repeat) acknowledge(selectedId.peek());
    return;
  }
  const action = actionOf({ code: event.code, key: event.key, shift: event.shiftKey, modified });
  if (action === null || belongsToMap(event)) return;
  event.preventDefault();
  if (event.repeat && action !== "next" && action !== "previous") return;
  DO[action]();
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}

function isEnterOnRow(event: KeyboardEvent): boolean {
  return event.key === "Enter" && event.target instanceof HTMLElement && event.target.classList.contains("row");
}

/** The arrows move the map while it has the focus, and scroll the details while they have it. */
function belongsToMap(event: KeyboardEvent): boolean {
  const scrolls = event.target instanceof HTMLElement && event.target.closest(".map__canvas, .detail__body") !== null;
  return scrolls && event.code.startsWith("Arrow");
}
