import { expect, test } from "vitest";
import { afterRefusal, mayDecide, mayRetry, needsSecondKey, uuidFrom } from "./commands";

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

test("what the log has not answered may be recorded yet, and is not called refused", () => {
  const command = { kind: "acknowledge", body: { command_id: "1", revision: 1 } } as const;
  const late = afterRefusal(command, "not_durable", "the decision is not known to be durable");
  expect(late).toEqual({ phase: "unanswered", command });
  expect(mayRetry(late)).toBe(true);
  expect(afterRefusal(command, "unlogged", "words").phase).toBe("refused");
});
