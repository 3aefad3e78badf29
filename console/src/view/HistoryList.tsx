import { historyAuthor, historyText, historyTitle } from "../logic/describe";
import { timeText } from "../logic/format";
import { history, readAgain } from "../state/history";
import { words } from "../state/page";

export function HistoryList() {
  const w = words.value;
  const view = history.value;
  return (
    <section class="history" aria-label={w.detail.history}>
      <h3>{w.detail.history}</h3>
      {view.phase === "loading" && view.items.length === 0 && <p class="talk__none">{w.detail.historyLoading}</p>}
      {view.phase === "failed" && (
        <p class="notice notice--warn" role="alert">
          {w.detail.historyFailed}{" "}
          <button type="button" class="button" onClick={readAgain}>
            {w.action.reload}
          </button>
        </p>
      )}
      <ol class="history__items">
        {[...view.items].reverse().map((item) => (
          <li key={item.offset} class={item.effective === false ? "history__item history__item--void" : "history__item"}>
            <time dateTime={new Date(item.at_ms).toISOString()}>{timeText(item.at_ms, w.locale)}</time>
            <p>
              <strong>{historyTitle(item, w)}</strong> <span class="history__by">{historyAuthor(item, w)}</span>
              {historyText(item, w) !== null && <span class="history__text">{historyText(item, w)}</span>}
              {item.effective === false && <span class="history__text">{w.detail.noEffect}</span>}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}
