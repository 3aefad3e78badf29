import type { Change, Health } from "./types";

export interface StreamHandlers {
  change(change: Change, cursor: string): void;
  health(health: Health): void;
  /** The browser lost the line and is reconnecting by itself, with Last-Event-ID. */
  wavering(): void;
  /** The browser gave up: the stream has to be opened anew. */
  closed(): void;
}

/** One Server-Sent Events stream. After the returned function was called, no handler is. */
export function openStream(cursor: string, handlers: StreamHandlers): () => void {
  const source = new EventSource(`/api/events?cursor=${encodeURIComponent(cursor)}`);
  let ended = false;
  const end = (): void => {
    ended = true;
    source.close();
  };
  source.addEventListener("change", (event: MessageEvent<string>) => {
    const change = parse<Change>(event.data);
    if (ended) return;
    if (change === null) {
      // What cannot be read may be an alert: only a new snapshot is safe.
      end();
      handlers.closed();
    } else handlers.change(change, event.lastEventId);
  });
  source.addEventListener("health", (event: MessageEvent<string>) => {
    const health = parse<Health>(event.data);
    if (!ended && health !== null) handlers.health(health);
  });
  source.addEventListener("error", () => {
    if (ended) return;
    if (source.readyState === EventSource.CLOSED) {
      end();
      handlers.closed();
    } else handlers.wavering();
  });
  return end;
}

function parse<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
