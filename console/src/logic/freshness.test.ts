import { expect, test } from "vitest";
import { card } from "./fixtures";
import { contactLostFor, deadline } from "./freshness";

test("contact is lost after three expected intervals, and unknown without a rhythm", () => {
  const heard = card("a", { last_report_at_ms: 1000, expected_interval_ms: 10_000 });
  expect(contactLostFor(heard, 31_000)).toBeNull();
  expect(contactLostFor(heard, 31_001)).toBe(30_001);
  expect(contactLostFor(card("b", { last_report_at_ms: 1000 }), 1e9)).toBeNull();
  expect(contactLostFor({ ...heard, state: "closed" }, 1e9)).toBeNull();
});

test("a deadline runs until somebody has acknowledged", () => {
  expect(deadline(card("a", { due_at_ms: 10 }), 4)).toEqual({ kind: "left", ms: 6 });
  expect(deadline(card("a", { due_at_ms: 10 }), 14)).toEqual({ kind: "over", ms: 4 });
  expect(deadline(card("a", { due_at_ms: 10, state: "acknowledged" }), 14)).toEqual({ kind: "none" });
});
