import { clockText } from "../logic/format";
import { now } from "../state/time";

/** Time since a moment, running. Kept small: it is what is drawn four times a second. */
export function Since({ atMs }: { atMs: number }) {
  return <>{clockText(now.value - atMs)}</>;
}
