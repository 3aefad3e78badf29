import { expect, test } from "vitest";
import { applyChange, applySnapshot, CLOSED_KEPT } from "./cards";
import { board, card } from "./fixtures";

test("an older revision never replaces a newer one", () => {
  const after = applyChange(board(card("a", { revision: 5 })), [card("a", { revision: 4 })], []);
  expect(after.get("a")?.revision).toBe(5);
});

test("an equal revision replaces: pending becomes durable", () => {
  const after = applyChange(board(card("a", { pending: true })), [card("a")], []);
  expect(after.get("a")?.pending).toBeUndefined();
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
