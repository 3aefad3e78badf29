// The alerts of the mock: twenty that together show everything a card can say.
import { randomUUID } from "node:crypto";

const S = 1000;
const M = 60 * S;

/** [seconds since the raise, what is special about it] */
const SCRIPT = [
  [38, {}],
  [12, { assignment: { reason: "split", probability: 0.58 } }],
  [205, { due_in: -65, battery_percent: 34, cancel: { meaning: "duress" }, talk: ["phone", "괜찮아요 잘못 눌렀어요"] }],
  [71, { assignment: { reason: "nearest", distance_m: 840 }, sea: true, battery_percent: 62 }],
  [96, { presses: 3, battery_percent: 8 }],
  [149, { position: null, assignment: { reason: "none" }, state: "new", station: { id: "national", name: "national" } }],
  [54, { verification: "unverified", verification_reason: "missing" }],
  [310, { verification: "unverified", verification_reason: "expired", presses: 2 }],
  [420, { acked: 390, silent: 200, battery_percent: 4, talk: ["phone", "문 뒤에 숨어 있어요. 세 명이에요"] }],
  [530, { acked: 500, trail: true, talk: ["officer", "가까이 가고 있습니다. 소리 내지 마세요"] }],
  [655, { acked: 640, position: { radius_m: 1800, source: "cell", coarse: true }, assignment: { reason: "majority", probability: 0.82 } }],
  [700, { acked: 664, cancel: { meaning: "safe" } }],
  [912, { acked: 880, assignment: { reason: "border" } }],
  [1040, { acked: 1002, presses: 2 }],
  [1190, { acked: 1150, hears: "not" }],
  [1320, { acked: 1290, assignment: { reason: "overlap" } }],
  [1604, { acked: 1570, exercise: true }],
  [1877, { acked: 1840, position_unusable: "null_island" }],
  [2405, { acked: 2390, battery_percent: undefined, charging: undefined }],
  [4210, { acked: 4180, trail: true, charging: true }],
  [5400, { acked: 5370, closed: "helped" }],
  [6200, { acked: 6150, closed: "false_press" }],
];

export function script(map, count, now) {
  const picks = pickAreas(map, SCRIPT.length);
  return SCRIPT.slice(0, count).map(([age, special], at) => makeCard(picks[at % picks.length], picks, now - age * S, special, now));
}

function pickAreas(map, count) {
  const wanted = ["서울종로", "서울마포", "수원남부", "부산영도", "대전둔산", "전주완산", "광주북부", "울산남부", "춘천", "강릉", "제주서부", "안동", "창원중부", "청주상당", "여수", "인천중부", "대구수성", "포항남부", "세종남부", "원주", "천안서북", "목포"];
  const named = wanted.map((name) => map.features.find((f) => f.properties.name.startsWith(name))).filter(Boolean);
  if (named.length >= count / 2) return named;
  return map.features.filter((_, at) => (at * 7) % 5 < 3).slice(0, count);
}

export function makeCard(area, others, raisedAt, special = {}, now = Date.now()) {
  const p = area.properties;
  const at = p.station ?? { lat: 36.5, lon: 127.9 };
  const raisedAgo = now - raisedAt;
  const lastReport = now - (special.silent ?? 4) * S;
  const next = others[(others.indexOf(area) + 1) % others.length] ?? area;
  const card = {
    id: randomUUID(),
    revision: 1,
    state: special.state ?? (special.closed ? "closed" : special.acked ? "acknowledged" : "assigned"),
    verification: special.verification ?? "verified",
    raised_at_ms: raisedAt,
    pressed_at_ms: raisedAt - 900,
    presses: special.presses ?? 1,
    last_press_at_ms: raisedAt + (special.presses > 1 ? Math.min(raisedAgo, 40 * S) : 0),
    last_report_at_ms: lastReport,
    expected_interval_ms: 20 * S,
    station: special.station ?? { id: p.id, name: p.name, agency: p.agency },
    assignment: { map_version: "mock", at_ms: raisedAt + 3, reason: "inside", ...special.assignment },
    battery_percent: "battery_percent" in special ? special.battery_percent : 40 + ((raisedAgo / S) % 57 | 0),
    charging: "charging" in special ? special.charging : false,
    capability: capability(special.hears ?? (raisedAgo % (3 * S) === 0 ? "visibly" : "covertly")),
  };
  if (["split", "overlap", "majority", "border"].includes(card.assignment.reason)) {
    const share = card.assignment.probability;
    card.assignment.runners_up = [{ id: next.properties.id, name: next.properties.name, ...(share ? { probability: 1 - share } : { distance_m: 12 }) }];
  }
  if (special.verification_reason) card.verification_reason = special.verification_reason;
  if (special.exercise) card.exercise = true;
  if (special.position !== null) place(card, at, special, lastReport);
  if (special.position_unusable) card.position_unusable = { reason: special.position_unusable, at_ms: now - 9 * S };
  if (special.cancel) card.cancel = { claimed_at_ms: now - 80 * S, ...special.cancel };
  if (special.talk) card.talk = { count: 1, unread: special.talk[0] === "phone" ? 1 : 0, last: { from: special.talk[0], text: special.talk[1], at_ms: now - 41 * S, ...(special.talk[0] === "officer" ? { by: "이두리" } : {}) } };
  if (special.acked) card.acknowledged_by = { user: "seoul-2", name: "이두리", desk: "national", at_ms: now - special.acked * S };
  else card.due_at_ms = raisedAt + (special.due_in === undefined ? 2.5 * M + (raisedAgo % 13) * S : raisedAgo + special.due_in * S);
  if (special.closed) card.closed = { by: { user: "seoul-2", name: "이두리", at_ms: now - (raisedAgo - 20 * M) }, outcome: special.closed };
  if (card.state !== "new" && raisedAgo > 2 * S) card.delivered_at_ms = raisedAt + 60;
  return card;
}

function capability(hears) {
  const shows = hears === "visibly" ? "잠금 화면에 ‘메시지 1개’ 알림이 뜹니다." : undefined;
  return shows ? { hears_text: hears, shows } : { hears_text: hears };
}

function place(card, at, special, fixAt) {
  const wobble = (n) => Math.sin(card.raised_at_ms * n) * 0.004;
  const lat = at.lat + wobble(0.37) - (special.sea ? 0.06 : 0);
  const lon = at.lon + wobble(0.71) + (special.sea ? 0.05 : 0);
  card.position = {
    lat, lon, radius_m: 14 + Math.round(Math.abs(wobble(1.3)) * 12000), confidence_percent: 68,
    fix_at_ms: fixAt, source: "gnss", altitude_m: 61, altitude_datum: "ellipsoid", speed_mps: 1.3, bearing_deg: 92,
    ...special.position,
  };
  if (special.trail) {
    card.trail = Array.from({ length: 40 }, (_, i) => [
      lon - 0.0007 * (39 - i) + 0.0011 * Math.sin(i / 3) - 0.0011 * Math.sin(13), lat + 0.0005 * (39 - i) * Math.cos(i / 14), fixAt - (39 - i) * 20 * S,
    ]);
  }
}

/** What happened so far, as the history of a card would tell it. */
export function historyOf(card) {
  const items = [];
  const add = (at_ms, kind, by, rest = {}) => items.push({ offset: items.length, at_ms, kind, by, effective: true, ...rest });
  const phone = { kind: "phone" };
  add(card.raised_at_ms, "raise", phone);
  add(card.raised_at_ms + 3, "assigned", { kind: "dispatcher" }, { text: card.station.name });
  add(card.raised_at_ms + 60, "delivered", { kind: "officer", name: "이두리" });
  for (let n = 1; n < card.presses; n += 1) add(card.last_press_at_ms, "further_press", phone);
  if (card.acknowledged_by) add(card.acknowledged_by.at_ms, "acknowledged", { kind: "officer", name: card.acknowledged_by.name });
  const last = card.talk?.last;
  if (last) add(last.at_ms, last.from === "phone" ? "text" : "message", last.from === "phone" ? phone : { kind: "officer", name: last.by }, { text: last.text });
  if (card.cancel) add(card.cancel.claimed_at_ms, "cancel", phone, { detail: { meaning: card.cancel.meaning } });
  if (card.closed) add(card.closed.by.at_ms, "closed", { kind: "officer", name: card.closed.by.name });
  return items;
}
