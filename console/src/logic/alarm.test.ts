import { expect, test } from "vitest";
import * as alarm from "./alarm";
import type { Cards } from "./cards";
import { board, card } from "./fixtures";

/** A page with working sound, over some time: when did it sound, and how? */
function listen(state: alarm.Alarm, cards: Cards, from: number, to: number): [alarm.Alarm, [number, alarm.Tone][]] {
  const heard: [number, alarm.Tone][] = [];
  for (let at = from; at <= to; at += 100) {
    const tone = alarm.dueTone(state, cards, at);
    if (tone === null) continue;
    heard.push([at, tone]);
    state = alarm.handlePlayed(state, cards, at);
  }
  return [state, heard];
}

test("a new alert sounds at once and repeats until it is acknowledged", () => {
  const open = board(card("a"));
  const [state, heard] = listen(alarm.handleBoard(alarm.SILENT, open, 1000), open, 1000, 60_000);
  expect(heard[0]).toEqual([1000, "alarm"]);
  expect(heard.length).toBe(12);
  const seen = board(card("a", { state: "acknowledged" }));
  expect(listen(alarm.handleBoard(state, seen, 60_100), seen, 60_100, 120_000)[1]).toEqual([]);
});

test("it goes on while any other alert waits", () => {
  const both = board(card("a"), card("b"));
  const [state] = listen(alarm.handleBoard(alarm.SILENT, both, 0), both, 0, 4_900);
  const one = board(card("a", { state: "acknowledged" }), card("b"));
  expect(listen(alarm.handleBoard(state, one, 5_000), one, 5_000, 10_000)[1].length).toBe(2);
});

test("a second alert does not wait for the rhythm of the first", () => {
  const one = board(card("a"));
  const [state] = listen(alarm.handleBoard(alarm.SILENT, one, 0), one, 0, 1_000);
  const two = board(card("a"), card("b"));
  expect(listen(alarm.handleBoard(state, two, 1_500), two, 1_500, 1_600)[1]).toEqual([[1_500, "alarm"]]);
});

test("an unverified alert sounds three times, and three times more for a further press", () => {
  const open = board(card("u", { verification: "unverified" }));
  const [state, heard] = listen(alarm.handleBoard(alarm.SILENT, open, 0), open, 0, 300_000);
  expect(heard.map(([, tone]) => tone)).toEqual(["unverified", "unverified", "unverified"]);
  const again = board(card("u", { verification: "unverified", presses: 2 }));
  expect(listen(alarm.handleBoard(state, again, 300_100), again, 300_100, 600_000)[1].length).toBe(3);
});

test("a press on an acknowledged alert sounds again at once, a bounded number of times", () => {
  const seen = board(card("a", { state: "acknowledged" }));
  const quiet = alarm.handleBoard(alarm.SILENT, seen, 0);
  expect(listen(quiet, seen, 0, 10_000)[1]).toEqual([]);
  const again = board(card("a", { state: "acknowledged", presses: 2 }));
  const heard = listen(alarm.handleBoard(quiet, again, 20_000), again, 20_000, 90_000)[1];
  expect(heard[0]).toEqual([20_000, "again"]);
  expect(heard.length).toBe(alarm.BOUNDED_SOUNDS);
});

test("a reopened alert rings like a new one", () => {
  const closed = board(card("a", { state: "closed" }));
  const state = alarm.handleBoard(alarm.SILENT, closed, 0);
  const open = board(card("a", { reopened: true, presses: 2 }));
  expect(listen(alarm.handleBoard(state, open, 500), open, 500, 11_000)[1].length).toBe(3);
});

test("a tone that could not be heard stays due", () => {
  const open = board(card("u", { verification: "unverified" }));
  const state = alarm.handleBoard(alarm.SILENT, open, 0);
  expect(alarm.dueTone(state, open, 0)).toBe("unverified");
  expect(alarm.dueTone(state, open, 60_000)).toBe("unverified");
  expect(listen(state, open, 60_000, 120_000)[1].length).toBe(3);
});

test("an overdue alert repeats faster", () => {
  const overdue = board(card("a", { due_at_ms: 10 }));
  const heard = listen(alarm.handleBoard(alarm.SILENT, overdue, 1_000), overdue, 1_000, 11_000)[1];
  expect(heard.length).toBe(5);
});

test("a late alert is shown without alarm", () => {
  const late = board(card("a", { late: true }));
  expect(listen(alarm.handleBoard(alarm.SILENT, late, 0), late, 0, 60_000)[1]).toEqual([]);
});

test("a lost line is heard, and an alarm is louder than it", () => {
  const none = board();
  const lost = alarm.handleLine(alarm.SILENT, true, 0);
  expect(listen(lost, none, 0, 16_000)[1]).toEqual([[0, "disconnected"], [15_000, "disconnected"]]);
  const open = board(card("a"));
  expect(alarm.dueTone(alarm.handleBoard(lost, open, 0), open, 0)).toBe("alarm");
  expect(alarm.dueTone(alarm.handleLine(lost, false, 100), none, 60_000)).toBeNull();
});

test("a burst of alerts is one sound after the other, not one on the other", () => {
  let state = alarm.SILENT;
  const heard: number[] = [];
  for (let n = 0; n < 30; n += 1) {
    const cards = board(...Array.from({ length: n + 1 }, (_, at) => card(`a${at}`)));
    state = alarm.handleBoard(state, cards, n * 100);
    if (alarm.dueTone(state, cards, n * 100) !== null) {
      heard.push(n * 100);
      state = alarm.handlePlayed(state, cards, n * 100);
    }
  }
  expect(heard).toEqual([0, 1200, 2400]);
});

test("an alert that came around the log does not ring anew when the log has it", () => {
  const unlogged = board(card("a", { state: "new", pending: true, unlogged: true }));
  const [state, heard] = listen(alarm.handleBoard(alarm.SILENT, unlogged, 0), unlogged, 0, 2_000);
  expect(heard).toEqual([[0, "alarm"]]);
  const logged = board(card("a"));
  const after = listen(alarm.handleBoard(state, logged, 2_100), logged, 2_100, 5_000)[1];
  expect(after, "only its own rhythm goes on").toEqual([[5_000, "alarm"]]);
});
