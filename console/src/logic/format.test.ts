import { expect, test } from "vitest";
import { clockText, distanceText, percentText, timeText, windIndex } from "./format";

test("clocks count seconds, minutes and hours, and never backwards", () => {
  expect(clockText(0)).toBe("00:00");
  expect(clockText(-5000)).toBe("00:00");
  expect(clockText(247_999)).toBe("04:07");
  expect(clockText(3_847_000)).toBe("1:04:07");
});

test("distances and shares claim no more than is known", () => {
  expect(distanceText(839.6)).toBe("840 m");
  expect(distanceText(1840)).toBe("1.8 km");
  expect(distanceText(12_400)).toBe("12 km");
  expect(percentText(0.004)).toBe("<1 %");
  expect(percentText(0.996)).toBe(">99 %");
  expect(percentText(1)).toBe("100 %");
  expect([0, 44, 91, 359, -45].map(windIndex)).toEqual([0, 1, 2, 0, 7]);
  expect(timeText(0, "ko-KR", "Asia/Seoul")).toBe("09:00:00");
});
