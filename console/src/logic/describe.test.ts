import { describe, expect, test } from "vitest";
import type { Assignment, AssignmentReason, Card } from "../api/types";
import { chooseLanguage, DICTIONARIES } from "../words";
import { factGroups, historyTitle, reasonText } from "./describe";
import { card } from "./fixtures";

const REASONS: AssignmentReason[] = ["inside", "border", "overlap", "majority", "split", "nearest", "none"];

describe.each(["ko", "en"] as const)("in %s", (language) => {
  const w = DICTIONARIES[language];

  test("every reason has words of its own, with and without its figures", () => {
    const bare = REASONS.map((reason) => reasonText({ reason }, w));
    expect(new Set(bare).size).toBe(REASONS.length);
    for (const text of bare) expect(text).not.toMatch(/undefined|NaN|null/);
    expect(reasonText({ reason: "nearest", distance_m: 840 }, w)).toContain("840 m");
    expect(reasonText({ reason: "split", runners_up: [{ id: "x", name: "마포" }] }, w)).toContain("마포");
    expect(reasonText(undefined, w)).toBe(w.reason.waiting);
  });

  test("how likely it is is said with every reason that knows a place", () => {
    const others = [{ id: "x", name: "마포" }, { id: "y", name: "서대문" }];
    for (const reason of REASONS) {
      const text = reasonText({ reason, probability: 0.68, distance_m: 840, runners_up: others }, w);
      if (reason === "none") expect(text).toBe(w.reason.none);
      else expect(text).toContain("68 %");
      if (["overlap", "majority", "split"].includes(reason)) expect(text).toContain("마포, 서대문");
      if (reason === "nearest") expect(text).toContain("840 m");
    }
  });

  test("what nobody knows is said as unknown, never left out and never a number", () => {
    const facts = factGroups(card("a"), w).flatMap((group) => group.facts);
    const unknown = facts.filter((fact) => fact.unknown);
    expect(unknown.map((fact) => fact.label)).toContain(w.facts.battery);
    expect(unknown.map((fact) => fact.label)).toContain(w.facts.coordinates);
    for (const fact of facts) expect(fact.value).not.toMatch(/undefined|NaN|null/);
  });

  test("a full card has no unknown left", () => {
    const full: Card = card("a", {
      battery_percent: 0,
      last_press_at_ms: 5,
      pressed_at_ms: 1,
      delivered_at_ms: 2,
      last_report_at_ms: 3,
      assignment: { reason: "inside", map_version: "7" },
      position: { lat: 37.5, lon: 127, radius_m: 0, source: "gnss", altitude_m: 0, altitude_datum: "sea_level", floor: "B2", speed_mps: 0 },
    });
    expect(factGroups(full, w).flatMap((group) => group.facts).filter((fact) => fact.unknown)).toEqual([]);
  });

  test("a kind of history that this page does not know keeps its name", () => {
    expect(historyTitle({ offset: 0, at_ms: 0, kind: "teleported" }, w)).toBe("teleported");
    expect(historyTitle({ offset: 0, at_ms: 0, kind: "raise" }, w)).toBe(w.kind.raise);
  });
});

test("Korean first, English where the browser asks for it before Korean", () => {
  expect(chooseLanguage(null, ["de", "fr"])).toBe("ko");
  expect(chooseLanguage(null, ["en-US", "ko"])).toBe("en");
  expect(chooseLanguage(null, ["de", "ko-KR", "en"])).toBe("ko");
  expect(chooseLanguage("ko", ["en"])).toBe("ko");
});

test("the reasons as officers read them", () => {
  const { en, ko } = DICTIONARIES;
  const split: Assignment = { reason: "split", probability: 0.45, runners_up: [{ id: "x", name: "마포" }] };
  expect(reasonText({ reason: "nearest", distance_m: 840 }, en)).toBe("nearest, 840 m outside its area");
  expect(reasonText({ reason: "nearest", distance_m: 840 }, ko)).toBe("가장 가까운 서, 구역 밖 840 m");
  expect(reasonText({ reason: "inside", probability: 0.6 }, en)).toBe("in this area, 60 % likely");
  expect(reasonText({ reason: "inside", probability: 0.95 }, en)).toBe(en.reason.inside);
  expect(reasonText(split, en)).toBe("split, no area holds half: also 마포; 45 % likely here");
  expect(reasonText(split, ko)).toBe("나뉨, 절반을 넘는 구역 없음: 마포 구역도 해당; 이 구역일 확률 45 %");
});
