import type { Assignment, Card, HistoryItem, Position, RunnerUp } from "../api/types";
import type { Words } from "../words";
import { coordinateText, distanceText, percentText, timeText, windIndex } from "./format";

/** One line of the detail pane. `unknown` marks what nobody knows; it is said, never left out. */
export interface Fact {
  readonly label: string;
  readonly value: string;
  readonly unknown?: boolean;
  readonly warn?: boolean;
}

export interface FactGroup {
  readonly title: string;
  readonly facts: readonly Fact[];
}

/** Below this a phone is standing, whatever its GNSS noise says. */
const STILL_MPS = 0.5;
const KMH_PER_MPS = 3.6;

/** A fix is widened until it holds the phone with 95 %: more than that nobody knows, and a figure on every alert is noise. */
const AS_GOOD_AS_SURE = 0.9;

/** The national desk has no name of its own on the wire; every language has one for it. */
export function deskName(desk: { id: string; name: string }, w: Words): string {
  return desk.id === "national" ? w.header.deskKind.national : desk.name;
}

/** Why this desk has the alert, in words. */
export function reasonText(assignment: Assignment | undefined, w: Words): string {
  if (assignment === undefined) return w.reason.waiting;
  const text = bareReasonText(assignment, w);
  const { reason, probability } = assignment;
  if (probability === undefined || reason === "none") return text;
  if (reason === "inside" && probability >= AS_GOOD_AS_SURE) return text;
  const share = percentText(probability);
  return reason === "inside" ? w.reason.insideShare(share) : w.reason.withShare(text, share);
}

function bareReasonText(assignment: Assignment, w: Words): string {
  const { reason, distance_m } = assignment;
  const named = assignment.runners_up?.map((other) => other.name).join(", ") ?? "";
  const others = named === "" ? w.reason.others : named;
  switch (reason) {
    case "inside":
      return w.reason.inside;
    case "border":
      return w.reason.border;
    case "overlap":
      return w.reason.overlap(others);
    case "majority":
      return named === "" ? w.reason.majority : w.reason.majorityElse(named);
    case "split":
      return w.reason.split(others);
    case "nearest":
      return distance_m === undefined
        ? w.reason.nearestUnknown
        : w.reason.nearest(distanceText(distance_m));
    case "none":
      return w.reason.none;
  }
}

export function identityText(card: Card, w: Words): string {
  const head = w.verification[card.verification];
  const why = card.verification_reason;
  return why === undefined ? head : `${head}: ${w.verificationReason[why]}`;
}

/** What happens on the phone when a text arrives, and what its app says of that. */
export function hearsText(card: Card, w: Words): string {
  const known = w.hears[card.capability?.hears_text ?? "unknown"];
  const shows = card.capability?.shows;
  return shows === undefined || shows === "" ? known : `${known} ${w.appSays(shows)}`;
}

export function batteryText(card: Card, w: Words): string {
  if (card.battery_percent === undefined) return w.unknown;
  const charge = `${card.battery_percent} %`;
  return card.charging === true ? `${charge}, ${w.facts.charging}` : charge;
}

export function radiusText(position: Position | undefined, w: Words): string {
  return position?.radius_m === undefined ? `± ${w.unknown}` : `± ${distanceText(position.radius_m)}`;
}

/** Everything known about the selected alert that does not tick. */
export function factGroups(card: Card, w: Words): FactGroup[] {
  return [
    { title: w.facts.where, facts: whereFacts(card, w) },
    { title: w.facts.jurisdiction, facts: assignedFacts(card, w) },
    { title: w.facts.phone, facts: phoneFacts(card, w) },
  ];
}

function whereFacts(card: Card, w: Words): Fact[] {
  const f = w.facts;
  const p = card.position;
  const facts: Fact[] = [];
  if (card.position_unusable !== undefined) {
    const { reason, at_ms } = card.position_unusable;
    const value = `${w.unusable[reason]}, ${timeText(at_ms, w.locale)}`;
    facts.push({ label: w.flag.unusable, value, warn: true });
  }
  if (p === undefined) return [...facts, unknown(f.coordinates, w)];
  facts.push({ label: f.coordinates, value: coordinateText(p.lat, p.lon) });
  facts.push(
    p.radius_m === undefined
      ? unknown(f.accuracy, w)
      : { label: f.accuracy, value: f.accuracyText(distanceText(p.radius_m), confidence(p)) },
  );
  facts.push({ label: f.source, value: w.source[p.source ?? "unknown"], unknown: !isKnownSource(p) });
  facts.push(heightFact(p, w));
  facts.push(p.floor === undefined ? unknown(f.floor, w) : { label: f.floor, value: p.floor });
  facts.push(movementFact(p, w));
  if (p.mocked === true) facts.push({ label: w.flag.mocked, value: w.yes, warn: true });
  if (p.coarse === true) facts.push({ label: f.coarse, value: w.yes, warn: true });
  return facts;
}

function assignedFacts(card: Card, w: Words): Fact[] {
  const f = w.facts;
  const { agency } = card.station;
  const name = deskName(card.station, w);
  const facts: Fact[] = [
    { label: f.station, value: agency === undefined || agency === name ? name : `${name} (${agency})` },
    { label: f.assigned, value: reasonText(card.assignment, w) },
  ];
  const others = card.assignment?.runners_up ?? [];
  if (others.length > 0) {
    facts.push({ label: f.runnersUp, value: others.map(runnerUpText).join(" · ") });
  }
  const version = card.assignment?.map_version;
  facts.push(version === undefined ? unknown(f.map, w) : { label: f.map, value: version });
  return facts;
}

function phoneFacts(card: Card, w: Words): Fact[] {
  const f = w.facts;
  const at = (ms: number | undefined): string | null => (ms === undefined ? null : timeText(ms, w.locale));
  const known = (label: string, value: string | null): Fact =>
    value === null ? unknown(label, w) : { label, value };
  const press = at(card.last_press_at_ms);
  const presses = w.flag.presses(card.presses);
  const facts: Fact[] = [
    { label: f.identity, value: identityText(card, w), warn: card.verification === "unverified" },
    known(f.battery, card.battery_percent === undefined ? null : batteryText(card, w)),
    { label: f.presses, value: press === null ? presses : `${presses}, ${f.lastPress(press)}` },
    known(f.raised, at(card.raised_at_ms)),
    known(f.pressed, at(card.pressed_at_ms)),
    known(f.delivered, at(card.delivered_at_ms)),
  ];
  if (card.acknowledged_by !== undefined) {
    const { name, at_ms } = card.acknowledged_by;
    facts.push({ label: f.acknowledged, value: f.byAt(name, at(at_ms) ?? w.unknown) });
  }
  if (card.closed !== undefined) facts.push({ label: f.closed, value: closedText(card, w) });
  facts.push({ label: f.incident, value: card.id });
  return facts;
}

export function closedText(card: Card, w: Words): string {
  const how = card.closed?.outcome === undefined ? w.unknown : w.outcome[card.closed.outcome];
  const by = card.closed?.by;
  if (by === undefined) return how;
  return `${how}, ${w.facts.byAt(by.name, by.at_ms === undefined ? w.unknown : timeText(by.at_ms, w.locale))}`;
}

/** What an entry of the history is called; a kind that this page does not know keeps its own name. */
export function historyTitle(item: HistoryItem, w: Words): string {
  const names: Record<string, string> = w.kind;
  return names[item.kind] ?? item.kind;
}

/** What an entry says besides its kind: written words, or what a cancel meant. */
export function historyText(item: HistoryItem, w: Words): string | null {
  const meanings: Record<string, string> = w.cancel;
  const meaning = item.detail?.["meaning"];
  if (typeof meaning === "string") return meanings[meaning] ?? meaning;
  return item.text ?? null;
}

export function historyAuthor(item: HistoryItem, w: Words): string {
  if (item.by === undefined) return w.unknown;
  return item.by.name ?? w.author[item.by.kind];
}

function confidence(p: Position): string | null {
  return p.confidence_percent === undefined ? null : `${Math.round(p.confidence_percent)} %`;
}

function isKnownSource(p: Position): boolean {
  return p.source !== undefined && p.source !== "unknown";
}

function heightFact(p: Position, w: Words): Fact {
  if (p.altitude_m === undefined) return unknown(w.facts.height, w);
  const datum = w.datum[p.altitude_datum ?? "unknown"];
  return { label: w.facts.height, value: `${Math.round(p.altitude_m)} m, ${datum}` };
}

function movementFact(p: Position, w: Words): Fact {
  if (p.speed_mps === undefined) return unknown(w.facts.movement, w);
  if (p.speed_mps < STILL_MPS) return { label: w.facts.movement, value: w.facts.still };
  const wind = p.bearing_deg === undefined ? null : (w.wind[windIndex(p.bearing_deg)] ?? null);
  return { label: w.facts.movement, value: w.facts.moving(String(Math.round(p.speed_mps * KMH_PER_MPS)), wind) };
}

function runnerUpText(other: RunnerUp): string {
  if (other.probability !== undefined) return `${other.name} ${percentText(other.probability)}`;
  return other.distance_m === undefined ? other.name : `${other.name} ${distanceText(other.distance_m)}`;
}

function unknown(label: string, w: Words): Fact {
  return { label, value: w.unknown, unknown: true };
}
