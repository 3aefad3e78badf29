import { expect, test } from "vitest";
import * as link from "./connection";

test("twelve seconds of silence are a lost line, and the stream is replaced", () => {
  const live = link.handleHeard(link.begin(0), 1000);
  expect(link.line(live, 13_000)).toBe("live");
  expect(link.line(live, 13_001)).toBe("lost");
  expect(link.mustReplace(live, 13_001)).toBe(true);
  expect(link.line(link.handleWavering(live), 2000)).toBe("reconnecting");
});

test("retries wait longer each time, up to five seconds, until a word is heard", () => {
  let c = link.handleHeard(link.begin(0), 0);
  const waits: number[] = [];
  for (let n = 0; n < 6; n += 1) {
    c = link.handleClosed(c, 0);
    waits.push(c.retryAt ?? -1);
    expect(link.mustRetry(c, (c.retryAt ?? 0) - 1)).toBe(false);
    expect(link.mustRetry(c, c.retryAt ?? 0)).toBe(true);
    c = link.handleRetryStarted(c, 0);
  }
  expect(waits).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
  expect(link.handleHeard(c, 9).attempts).toBe(0);
});
