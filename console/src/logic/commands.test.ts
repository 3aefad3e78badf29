import { expect, test } from "vitest";
import { mayDecide, needsSecondKey, uuidFrom } from "./commands";

test("a command id is a UUID of version 4 whatever the random bytes", () => {
  expect(uuidFrom(new Uint8Array(16))).toBe("00000000-0000-4000-8000-000000000000");
  expect(uuidFrom(new Uint8Array(16).fill(255))).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
});

test("what is not known to be silent asks for a second key", () => {
  expect(["covertly", "not", "visibly", "unknown", undefined].map(needsSecondKey)).toEqual([false, false, true, true, true]);
});

test("a viewer decides nothing, and neither does nobody", () => {
  expect((["officer", "supervisor", "viewer", undefined] as const).map(mayDecide)).toEqual([true, true, false, false]);
});
