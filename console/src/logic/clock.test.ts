import { expect, test } from "vitest";
import { EMPTY_CLOCK, observe, serverTime } from "./clock";

test("the clock believes the fastest word of the service", () => {
  let clock = EMPTY_CLOCK;
  expect(serverTime(clock, 5, 77)).toBe(77);
  for (const [server, local] of [[1000, 100], [2000, 900], [3000, 2200]] as const) clock = observe(clock, server, local);
  expect(serverTime(clock, 3000, 0)).toBe(4100);
});
