import { effect, signal } from "@preact/signals";
import * as logic from "../logic/alarm";
import type { Cards } from "../logic/cards";
import { deskName } from "../logic/describe";
import { isUnseen } from "../logic/order";
import { timeText } from "../logic/format";
import * as player from "../sound/player";
import { cards, line, unseenCount } from "./board";
import { noteSounded } from "./deliver";
import { spokenAlert, spokenNotice, words } from "./page";
import { officer } from "./session";
import { localNow, onTick, serverNow } from "./time";

export const sound = signal<player.SoundState>("blocked");
export const testedAt = signal<number | null>(null);

let alarm = logic.SILENT;

/** Plays the test tone and says what came of it. Always inside a gesture. */
export async function testSound(): Promise<void> {
  player.unlock();
  await new Promise((resolve) => setTimeout(resolve, 120));
  const played = player.play("test", localNow());
  watchSound();
  if (played) testedAt.value = serverNow();
  const w = words.peek();
  spokenNotice.value = played ? w.sound.tested(timeText(serverNow(), w.locale)) : w.sound[sound.peek()];
}

export function startAlarm(): void {
  player.prepare();
  for (const gesture of ["pointerdown", "keydown"]) {
    addEventListener(gesture, player.unlock, { capture: true, passive: true });
  }
  let before: Cards = new Map();
  effect(() => {
    const after = cards.value;
    speak(before, after);
    before = after;
    alarm = logic.handleBoard(alarm, after, serverNow());
    ring();
  });
  onTick(() => {
    watchSound();
    const lost = officer.peek() !== null && line.peek() === "lost";
    alarm = logic.handleLine(alarm, lost, serverNow());
    ring();
    flash();
  });
}

function watchSound(): void {
  sound.value = player.soundState(localNow());
}

function ring(): void {
  const at = serverNow();
  const tone = logic.dueTone(alarm, cards.peek(), at);
  if (tone === null || !player.play(tone, localNow())) return;
  noteSounded(logic.speakingFor(alarm));
  alarm = logic.handlePlayed(alarm, cards.peek(), at);
}

function speak(before: Cards, after: Cards): void {
  const fresh = [...after.values()].filter((card) => isUnseen(card) && !before.has(card.id));
  const again = [...after.values()].find((card) => card.presses > (before.get(card.id)?.presses ?? card.presses));
  const w = words.peek();
  if (fresh[0] !== undefined) spokenAlert.value = w.queue.announceNew(fresh.length, deskName(fresh[0].station, w));
  else if (again !== undefined) spokenAlert.value = w.queue.announceAgain(deskName(again.station, w));
}

/** The tab says how many wait, and blinks while any does. */
function flash(): void {
  const waiting = officer.peek() ? unseenCount.peek() : 0;
  const w = words.peek();
  const lit = Math.floor(localNow() / 1000) % 2 === 0;
  const title = waiting > 0 && lit ? w.titleWaiting(waiting) : w.pageTitle;
  if (document.title !== title) document.title = title;
  const picture = waiting === 0 || !lit ? "0" : waiting > 9 ? "more" : String(waiting);
  const icon = document.getElementById("favicon");
  const address = `/favicon/${picture}.svg`;
  if (icon !== null && icon.getAttribute("href") !== address) icon.setAttribute("href", address);
}
