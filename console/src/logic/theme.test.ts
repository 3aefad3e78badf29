import { expect, test } from "vitest";
import { resolveTheme } from "./theme";

test("dark at night, by the system by day, and always as chosen", () => {
  expect(resolveTheme("auto", false, 23)).toBe("dark");
  expect(resolveTheme("auto", false, 12)).toBe("light");
  expect(resolveTheme("auto", true, 12)).toBe("dark");
  expect(resolveTheme("light", true, 2)).toBe("light");
});
