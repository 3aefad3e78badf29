import { expect, test } from "vitest";
import { actionOf, digitIndex, isConfirm } from "./keys";

test("keys are places on the keyboard: Korean input changes nothing", () => {
  const key = (code: string, text: string, more = {}) => ({ code, key: text, shift: false, modified: false, ...more });
  expect(actionOf(key("KeyA", "ㅁ"))).toBe("acknowledge");
  expect(actionOf(key("KeyT", "Process"))).toBe("text");
  expect(actionOf(key("KeyC", "c", { modified: true }))).toBeNull();
  expect(actionOf(key("Slash", "?", { shift: true }))).toBe("help");
  expect(actionOf(key("KeyQ", "q"))).toBeNull();
  expect(isConfirm(key("KeyY", "ㅛ"))).toBe(true);
  expect([digitIndex("Digit1"), digitIndex("Numpad5"), digitIndex("KeyA")]).toEqual([0, 4, null]);
});
