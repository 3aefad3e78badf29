import { expect, test } from "vitest";
import { handleMap, isNews, UNKNOWN_MAP } from "./known-map";

test("another map is news for a minute, the first one and the same one are none", () => {
  const first = handleMap(UNKNOWN_MAP, "a@1", 0);
  expect(isNews(first, 0)).toBe(false);
  expect(handleMap(first, "a@1", 1_000)).toBe(first);
  expect(handleMap(first, undefined, 1_000)).toBe(first);
  const second = handleMap(first, "a@2", 5_000);
  expect(second.version).toBe("a@2");
  expect(isNews(second, 5_000)).toBe(true);
  expect(isNews(handleMap(second, "a@2", 64_000), 64_999)).toBe(true);
  expect(isNews(second, 65_000)).toBe(false);
});
