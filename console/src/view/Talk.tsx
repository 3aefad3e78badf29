import type { Card, HistoryItem, TalkLine } from "../api/types";
import { hearsText, historyAuthor } from "../logic/describe";
import { timeText } from "../logic/format";
import { history } from "../state/history";
import { words } from "../state/page";
import { Icon } from "./Icon";

/** The silent talk: what the phone and the officers wrote, oldest first. */
export function Talk({ card }: { card: Card }) {
  const w = words.value;
  const view = history.value;
  const written = view.id === card.id ? view.items.filter(isLine) : [];
  const last = card.talk?.last;
  const newest = written[written.length - 1];
  const shown: TalkLine[] = written.map((item) => ({
    from: item.kind === "text" ? "phone" : "officer",
    text: item.text ?? "",
    at_ms: item.at_ms,
    by: historyAuthor(item, w),
  }));
  // The card is ahead of the history for as long as the history takes to be read.
  if (last !== undefined && (newest === undefined || newest.at_ms < last.at_ms)) shown.push(last);
  const hears = card.capability?.hears_text ?? "unknown";
  return (
    <section class="talk" aria-label={w.detail.talk}>
      <h3>{w.detail.talk}</h3>
      <p class={hears === "covertly" ? "talk__hears" : "talk__hears talk__hears--warn"}>
        <Icon name={hears === "covertly" ? "check" : "alert"} />
        <span>{hearsText(card, w)}</span>
      </p>
      {shown.length === 0 ? (
        <p class="talk__none">{w.detail.noTalk}</p>
      ) : (
        <ol class="talk__lines">
          {shown.map((line) => (
            <li key={`${line.at_ms}${line.from}`} class={`talk__line talk__line--${line.from}`}>
              <p class="talk__who">
                {line.from === "phone" ? w.detail.fromPhone : (line.by ?? w.author.officer)} · {timeText(line.at_ms, w.locale)}
              </p>
              <p class="talk__text">{line.text}</p>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function isLine(item: HistoryItem): boolean {
  return (item.kind === "text" || item.kind === "message") && item.effective !== false;
}
