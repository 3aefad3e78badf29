import { expect, test } from "vitest";
import { applyChange, applySnapshot, applyUnlogged, CLOSED_KEPT } from "./cards";
import { board, card } from "./fixtures";

test("an older revision never replaces a newer one", () => {
  const after = applyChange(board(card("a", { revision: 5 })), [card("a", { revision: 4 })], []);
  expect(after.get("a")?.revision).toBe(5);
});

test("an equal revision replaces: pending becomes durable", () => {
  const after = applyChange(board(card("a", { pending: true })), [card("a")], []);
  expect(after.get("a")?.pending).toBeUndefined();
});

test("what the log does not have gives way to any card", () => {
  const after = applyChange(board(card("a", { revision: 5, unlogged: true })), [card("a", { revision: 4 })], []);
  expect([after.get("a")?.revision, after.get("a")?.unlogged]).toEqual([4, undefined]);
});

test("another fold of the log knows better, whatever it counts", () => {
  const acknowledged = applyChange(board(), [card("a", { revision: 3, state: "acknowledged" })], [], "7.0");
  const lost = card("a", { revision: 2, state: "assigned" });
  expect(applyChange(acknowledged, [lost], [], "7.0").get("a")?.state).toBe("acknowledged");
  expect(applySnapshot(acknowledged, [lost], "7.0").get("a")?.state).toBe("acknowledged");
  for (const after of [applyChange(acknowledged, [lost], [], "7.9"), applySnapshot(acknowledged, [lost], "8.0")]) {
    expect(after.get("a")?.state).toBe("assigned");
  }
  // The answer to a command is of the fold that is known.
  const answered = applyChange(acknowledged, [card("a", { revision: 4, state: "closed" })], []);
  expect(applyChange(answered, [lost], [], "7.0").get("a")?.state).toBe("closed");
});

test("a new stream names what is unlogged, and the rest of it is gone", () => {
  const all = board(card("a", { unlogged: true }), card("b", { unlogged: true }), card("c"));
  expect([...applyUnlogged(all, ["b"]).keys()]).toEqual(["b", "c"]);
  expect(applyUnlogged(all, ["a", "b"])).toBe(all);
});

test("what left is gone, the rest stays", () => {
  const after = applyChange(board(card("a"), card("b")), [], ["a"]);
  expect([...after.keys()]).toEqual(["b"]);
});

test("a snapshot removes what it does not name and keeps newer cards", () => {
  const after = applySnapshot(board(card("a", { revision: 3 }), card("b")), [card("a", { revision: 2 })]);
  expect([...after.values()].map((c) => [c.id, c.revision])).toEqual([["a", 3]]);
});

test("closed cards are bounded, the oldest close goes first, open ones never", () => {
  const closed = Array.from({ length: CLOSED_KEPT + 1 }, (_, at) =>
    card(`c${at}`, { state: "closed", closed: { by: { name: "x", at_ms: at } } }),
  );
  const after = applyChange(board(card("open")), closed, []);
  expect(after.size).toBe(CLOSED_KEPT + 1);
  expect(after.has("c0")).toBe(false);
  expect(after.has("open")).toBe(true);
});
