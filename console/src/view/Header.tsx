import { deskName } from "../logic/describe";
import { timeText } from "../logic/format";
import { sound, testedAt, testSound } from "../state/alarm";
import { health, line } from "../state/board";
import { helpOpen, words } from "../state/page";
import { deciding, officer, signOut } from "../state/session";
import { now } from "../state/time";
import { Icon } from "./Icon";
import { LanguageSwitch, ThemeSwitch } from "./Switches";

export function Header() {
  const w = words.value;
  const who = officer.value;
  if (!who) return null;
  return (
    <header class="header">
      <div class="header__desk">
        <h1>{deskName(who.desk, w)}</h1>
        <p>
          {who.desk.kind === "national" ? "" : `${w.header.deskKind[who.desk.kind]} · `}
          {who.name}
        </p>
      </div>
      <AuthorityLabel />
      {!deciding.value && <p class="pill pill--wait">{w.header.viewOnly}</p>}
      <div class="header__states">
        <LineState />
        <SoundState />
      </div>
      <div class="header__tools">
        <LanguageSwitch />
        <ThemeSwitch />
        <button type="button" class="button button--quiet" onClick={() => (helpOpen.value = true)}>
          <kbd>?</kbd>
          <span>{w.header.help}</span>
        </button>
        <button type="button" class="button button--quiet" onClick={() => void signOut()}>
          {w.header.signOut}
        </button>
      </div>
      <Time />
    </header>
  );
}

function AuthorityLabel() {
  const w = words.value;
  const authority = health.value?.map?.authority;
  // Unknown is not official: the label stays until the map says otherwise.
  if (authority === "official") return null;
  return (
    <p class="authority">
      <Icon name="map" />
      {w.header.authority[authority ?? "approximate"]}
    </p>
  );
}

function LineState() {
  const state = line.value;
  return (
    <p class={`pill pill--${state === "live" ? "good" : state === "lost" ? "bad" : "wait"}`} role="status">
      <Icon name={state === "live" ? "link" : "lost"} />
      {words.value.line[state]}
    </p>
  );
}

function SoundState() {
  const w = words.value;
  const state = sound.value;
  const tested = testedAt.value;
  const shown = state === "on" && tested !== null ? w.sound.tested(timeText(tested, w.locale).slice(0, 5)) : w.sound[state];
  return (
    <button
      type="button"
      class={`pill pill--button pill--${state === "on" ? "good" : "bad"}`}
      onClick={() => void testSound()}
      title={w.header.soundTest}
    >
      <Icon name={state === "on" ? "sound" : "muted"} />
      {shown}
      <span class="pill__hint">{w.header.soundTest}</span>
    </button>
  );
}

function Time() {
  const w = words.value;
  return (
    <p class="header__clock" aria-label={w.header.time} role="timer">
      {timeText(now.value, w.locale)}
    </p>
  );
}
