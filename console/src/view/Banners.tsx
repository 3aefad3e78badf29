import { problemText } from "../logic/problems";
import { clockText, timeText } from "../logic/format";
import { sound, testSound } from "../state/alarm";
import { health, lastHeardAt, line, newMap } from "../state/board";
import { words } from "../state/page";
import { now } from "../state/time";
import { Icon } from "./Icon";

/** A service this far behind is no longer the present. */
const LAG_WORTH_SAYING_MS = 2_000;

/** Everything that keeps this console from being a console, over the whole width. */
export function Banners() {
  return (
    <div class="banners">
      {line.value === "lost" && <Lost />}
      {sound.value !== "on" && <SoundBanner />}
      {health.value?.desk_on_map === false && <DeskGone />}
      <Service />
      {newMap.value !== null && <NewMap version={newMap.value} />}
    </div>
  );
}

function Lost() {
  const w = words.value;
  const at = lastHeardAt.value;
  return (
    <div class="banner banner--bad" role="alert" id="banner-lost">
      <Icon name="lost" />
      <strong>{w.banner.lost}</strong>
      <span aria-live="off">
        {at === null
          ? w.banner.lostNever
          : w.banner.lostSince(timeText(at, w.locale), clockText(now.value - at))}
      </span>
      <span>{w.banner.lostDo}</span>
    </div>
  );
}

function SoundBanner() {
  const w = words.value;
  const blocked = sound.value === "blocked";
  return (
    <div class="banner banner--bad" role="alert" id="banner-sound">
      <Icon name="muted" />
      <strong>{blocked ? w.banner.soundBlocked : w.banner.soundAbsent}</strong>
      {blocked && (
        <button type="button" class="button button--on-bad" onClick={() => void testSound()}>
          {w.banner.enableSound}
        </button>
      )}
    </div>
  );
}

function DeskGone() {
  const w = words.value;
  return (
    <div class="banner banner--bad" role="alert" id="banner-desk">
      <Icon name="map" />
      <strong>{w.banner.deskGone}</strong>
      <span>{w.banner.deskGoneDo}</span>
    </div>
  );
}

function NewMap({ version }: { version: string }) {
  return (
    <div class="banner banner--warn" role="status" id="banner-map">
      <Icon name="map" />
      <span>{words.value.banner.newMap(version)}</span>
    </div>
  );
}

function Service() {
  const w = words.value;
  const word = health.value;
  if (word === null || line.value === "lost") return null;
  const lag = word.lag_ms ?? 0;
  const lines = [
    ...(word.ready ? [] : [w.banner.notReady]),
    ...word.problems.map((problem) => problemText(problem, w.problem)),
    ...(lag >= LAG_WORTH_SAYING_MS ? [w.banner.lag((lag / 1000).toFixed(1))] : []),
  ];
  if (lines.length === 0) return null;
  return (
    <div class="banner banner--warn" role="alert">
      <Icon name="alert" />
      {lines.map((text) => (
        <span key={text}>{text}</span>
      ))}
    </div>
  );
}
