import { expect, test } from "vitest";
import { board, card } from "./fixtures";
import { mostUrgent, sortLanes } from "./order";

test("unseen first, then deadline, then raise, then id", () => {
  const lanes = sortLanes(
    board(
      card("seen", { state: "acknowledged", raised_at_ms: 1 }),
      card("b", { due_at_ms: 50, raised_at_ms: 2 }),
      card("a", { due_at_ms: 50, raised_at_ms: 2 }),
      card("older", { due_at_ms: 50, raised_at_ms: 1 }),
      card("soon", { due_at_ms: 10, raised_at_ms: 9 }),
      card("no-deadline", { raised_at_ms: 0 }),
    ),
  );
  expect(lanes.main).toEqual(["soon", "older", "a", "b", "no-deadline", "seen"]);
});

test("unverified and closed alerts have lanes of their own", () => {
  const lanes = sortLanes(
    board(
      card("v"),
      card("u", { verification: "unverified" }),
      card("c", { state: "closed", verification: "unverified" }),
    ),
  );
  expect(lanes).toEqual({ main: ["v"], unverified: ["u"], closed: ["c"] });
});

test("the most urgent is unseen and verified before anything else", () => {
  const all = board(
    card("seen", { state: "acknowledged" }),
    card("u", { verification: "unverified", due_at_ms: 1 }),
    card("late", { due_at_ms: 90 }),
    card("soon", { due_at_ms: 20 }),
  );
  expect(mostUrgent(all)).toBe("soon");
  expect(mostUrgent(board(card("seen", { state: "acknowledged" })))).toBeNull();
});

test("an alert keeps its place when the log has it", () => {
  const others = [card("before", { due_at_ms: 10 }), card("behind", { due_at_ms: 30 })];
  const unlogged = card("x", { state: "new", pending: true, unlogged: true, due_at_ms: 20 });
  const before = sortLanes(board(...others, unlogged));
  expect(before.main).toEqual(["before", "x", "behind"]);
  expect(sortLanes(board(...others, card("x", { due_at_ms: 20 })))).toEqual(before);
});
