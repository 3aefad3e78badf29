import { mayRetry } from "../logic/commands";
import { dismiss, progress, progressText, retry } from "../state/commands";
import { words } from "../state/page";
import { Icon, type IconName } from "./Icon";

const LOOK: Record<string, { tone: string; icon: IconName }> = {
  sending: { tone: "plain", icon: "clock" },
  done: { tone: "good", icon: "check" },
  superseded: { tone: "warn", icon: "alert" },
  refused: { tone: "bad", icon: "closed" },
  unanswered: { tone: "bad", icon: "lost" },
};

/** What came of the last command on this alert. A failure stays until it is dealt with. */
export function CommandBar({ id }: { id: string }) {
  const w = words.value;
  const last = progress.value.get(id);
  if (last === undefined) return null;
  const look = LOOK[last.phase] ?? { tone: "plain", icon: "clock" };
  return (
    <div class={`command command--${look.tone}`} id="command" data-phase={last.phase}>
      <Icon name={look.icon} />
      <p>
        <strong>{progressText(last)}</strong>
        {last.phase === "refused" && last.code !== "unlogged" && <span> {last.message}</span>}
      </p>
      {mayRetry(last) && (
        <button type="button" class="button button--on-bad" onClick={() => retry(id)}>
          {w.action.retry}
        </button>
      )}
      {last.phase !== "sending" && last.phase !== "done" && (
        <button type="button" class="button button--quiet" onClick={() => dismiss(id)}>
          {w.action.dismiss}
        </button>
      )}
    </div>
  );
}
