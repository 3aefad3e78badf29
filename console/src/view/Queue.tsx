import { useLayoutEffect, useRef } from "preact/hooks";
import { rowsAddedAbove, type Arrangement } from "../logic/freeze";
import { isUnseen, type Lane as LaneName } from "../logic/order";
import { cardOf, cards, loaded } from "../state/board";
import { selectedId, words } from "../state/page";
import { arrangement, closedOpen, keyboardIn, pointerIn, rowElement, sortAgain, unverifiedOpen } from "../state/queue";
import { Icon } from "./Icon";
import { Row } from "./Row";

/** Rows drawn per lane; a browser that draws thousands of them answers no key any more. */
const ROWS_DRAWN = 200;

export function Queue() {
  const w = words.value;
  const panel = useRef<HTMLElement>(null);
  const focusMoved = (): void => {
    // A click leaves focus behind; only a focus that the keyboard shows holds the order.
    keyboardIn.value = panel.current?.querySelector(".row:focus-visible") != null;
  };
  useLayoutEffect(() => {
    const gone = (): void => {
      pointerIn.value = false;
    };
    document.documentElement.addEventListener("pointerleave", gone);
    return () => document.documentElement.removeEventListener("pointerleave", gone);
  }, []);
  return (
    <section
      ref={panel}
      class="queue panel"
      aria-label={w.queue.label}
      onPointerEnter={() => (pointerIn.value = true)}
      onPointerMove={() => (pointerIn.value = true)}
      onPointerLeave={() => (pointerIn.value = false)}
      onFocusIn={focusMoved}
      onFocusOut={() => requestAnimationFrame(focusMoved)}
      onKeyUp={focusMoved}
    >
      <Lane name="main" open />
      <Lane name="unverified" open={unverifiedOpen.value} />
      <Lane name="closed" open={closedOpen.value} />
    </section>
  );
}

function Lane({ name, open }: { name: LaneName; open: boolean }) {
  const w = words.value;
  const list = useRef<HTMLDivElement>(null);
  const standing = arrangement.value;
  useStillRows(list, standing, name);
  const ids = standing.lanes[name];
  const added = standing.added[name].length;
  // What was put above must not push the held row out of the page.
  const drawn = ROWS_DRAWN + added;
  const chosen = selectedId.value;
  const tabbable = chosen !== null && ids.includes(chosen) ? chosen : ids[0];
  return (
    <div class={`lane lane--${name} ${open ? "lane--open" : ""}`}>
      <LaneHead name={name} added={added + standing.waiting[name]} />
      {open && (
        <div ref={list} class="lane__list">
          {ids.length > 0 && (
            <div role="listbox" aria-label={w.queue.lane[name]}>
              {ids.slice(0, drawn).map((id) => {
                const card = cardOf(id);
                return card && <Row key={id} card={card} tabbable={id === tabbable} />;
              })}
            </div>
          )}
          {ids.length > drawn && <p class="lane__note">{w.queue.more(ids.length - drawn)}</p>}
          {ids.length === 0 && loaded.value && <p class="lane__note">{name === "main" ? w.queue.none : w.queue.noneUnverified}</p>}
          <div class="lane__spacer" />
        </div>
      )}
    </div>
  );
}

function LaneHead({ name, added }: { name: LaneName; added: number }) {
  const w = words.value;
  const inLane = [...cards.value.values()].filter((card) =>
    name === "closed" ? card.state === "closed" : card.state !== "closed" && (card.verification === "unverified") === (name === "unverified"),
  );
  const title = w.queue.lane[name];
  if (name === "closed") {
    return (
      <button type="button" class="lane__head lane__head--button" aria-expanded={closedOpen.value} onClick={() => (closedOpen.value = !closedOpen.value)}>
        <span class="lane__title">{title}</span>
        <span class="lane__count">{inLane.length}</span>
        <span class={closedOpen.value ? "chevron chevron--open" : "chevron"} aria-hidden="true" />
      </button>
    );
  }
  const unseen = inLane.filter(isUnseen).length;
  return (
    <div class="lane__head">
      <h2 class="lane__title">{title}</h2>
      {added > 0 ? (
        <button type="button" class="new-above" onClick={sortAgain}>
          <Icon name="up" />
          {w.queue.newAbove(added)} <kbd>U</kbd>
        </button>
      ) : (
        <p class={unseen > 0 ? "lane__count lane__count--unseen" : "lane__count"}>{w.queue.counts(unseen, inLane.length)}</p>
      )}
    </div>
  );
}

/** Balances rows that were put above by scrolling, and keeps the focus on its row. */
function useStillRows(list: { current: HTMLDivElement | null }, standing: Arrangement, name: LaneName): void {
  const before = useRef(standing);
  const focused = useRef<string | null>(null);
  const active = document.activeElement;
  focused.current = active instanceof HTMLElement && list.current?.contains(active) ? active.id : null;
  useLayoutEffect(() => {
    const rows = rowsAddedAbove(before.current, standing, name);
    before.current = standing;
    const box = list.current;
    if (box === null) return;
    const height = box.querySelector<HTMLElement>(".row")?.offsetHeight ?? 0;
    const spacer = box.lastElementChild;
    if (spacer instanceof HTMLElement) {
      spacer.style.height = `${(standing.frozen ? standing.added[name].length : 0) * height}px`;
    }
    if (rows > 0) box.scrollTop += rows * height;
    // Moving a row in the page takes the focus from it.
    if (focused.current !== null && document.activeElement === document.body) {
      rowElement(focused.current.replace(/^row-/, ""))?.focus({ preventScroll: true });
    }
  }, [standing]);
}
