/**
 * What the service says, as it says it. Times are Unix milliseconds, distances metres.
 * An absent value is unknown; it is never zero and never an empty string.
 */

export type IncidentState = "new" | "assigned" | "acknowledged" | "closed";
export type Verification = "verified" | "unverified";
export type VerificationReason = "missing" | "expired" | "foreign" | "malformed";
export type AssignmentReason =
  | "inside"
  | "border"
  | "overlap"
  | "majority"
  | "split"
  | "nearest"
  | "none";
export type PositionSource = "gnss" | "wifi" | "cell" | "fused" | "manual" | "unknown";
export type AltitudeDatum = "ellipsoid" | "sea_level" | "unknown";
export type UnusableReason = "out_of_range" | "null_island" | "not_finite" | "malformed";
export type HearsText = "covertly" | "visibly" | "not" | "unknown";
export type CancelMeaning = "no_code" | "mistaken" | "safe" | "duress" | "unreadable";
export type Outcome = "helped" | "false_press" | "duplicate" | "unreachable" | "other";
export type Authority = "official" | "approximate" | "invented";
/** A viewer sees what the desk sees and decides nothing. */
export type Role = "officer" | "supervisor" | "viewer";
export type DeskKind = "station" | "province" | "national";
export type HistoryKind =
  | "raise"
  | "further_press"
  | "position_unusable"
  | "device_state"
  | "text"
  | "cancel"
  | "assigned"
  | "delivered"
  | "acknowledged"
  | "message"
  | "note"
  | "closed"
  | "reopened"
  | "unknown_report"
  | "viewed";

export interface Officer {
  user: string;
  name: string;
  role: Role;
  desk: { id: string; kind: DeskKind; name: string };
}

export interface Station {
  id: string;
  name: string;
  agency?: string;
}

export interface RunnerUp {
  id: string;
  name: string;
  probability?: number;
  distance_m?: number;
}

export interface Assignment {
  reason: AssignmentReason;
  distance_m?: number;
  probability?: number;
  runners_up?: RunnerUp[];
  map_version?: string;
  at_ms?: number;
}

export interface Position {
  lat: number;
  lon: number;
  radius_m?: number;
  confidence_percent?: number;
  fix_at_ms?: number;
  source?: PositionSource;
  altitude_m?: number;
  altitude_datum?: AltitudeDatum;
  floor?: string;
  speed_mps?: number;
  bearing_deg?: number;
  mocked?: boolean;
  coarse?: boolean;
}

export interface By {
  user?: string;
  name: string;
  desk?: string;
  at_ms?: number;
}

export interface TalkLine {
  from: "phone" | "officer";
  text: string;
  at_ms: number;
  by?: string;
}

export interface Card {
  id: string;
  /** Of which fold of the log it is; put there by this page. */
  fold?: string | undefined;
  revision: number;
  state: IncidentState;
  pending?: boolean;
  /** A relay has it and the log does not, or not all of it. */
  unlogged?: boolean;
  raw?: boolean;
  late?: boolean;
  exercise?: boolean;
  drill?: boolean;
  reopened?: boolean;
  same_alert_id_elsewhere?: boolean;
  verification: Verification;
  verification_reason?: VerificationReason;
  raised_at_ms: number;
  pressed_at_ms?: number;
  presses: number;
  last_press_at_ms?: number;
  last_report_at_ms?: number;
  expected_interval_ms?: number;
  due_at_ms?: number;
  station: Station;
  assignment?: Assignment;
  position?: Position;
  position_unusable?: { reason: UnusableReason; at_ms: number };
  trail?: [lon: number, lat: number, at_ms: number][];
  battery_percent?: number;
  charging?: boolean;
  capability?: { hears_text?: HearsText; shows?: string };
  acknowledged_by?: By;
  closed?: { by?: By; outcome?: Outcome };
  cancel?: { claimed_at_ms: number; meaning?: CancelMeaning };
  talk?: { count: number; unread: number; last?: TalkLine };
  delivered_at_ms?: number;
}

export interface MapFacts {
  version?: string;
  authority: Authority;
  label?: string;
}

export interface Readiness {
  ready: boolean;
  problems: string[];
}

export interface Health {
  server_at_ms: number;
  ready: boolean;
  problems: string[];
  lag_ms?: number;
  build?: string;
  map?: MapFacts;
  /** False when the map in use does not know the officer's desk: no new alert comes there. */
  desk_on_map?: boolean;
}

export interface Board {
  cursor: string;
  server_at_ms: number;
  /** Names the fold of the log that the cards are of. */
  fold?: string;
  cards: Card[];
  health?: Health;
}

export interface Change {
  server_at_ms: number;
  /** Names the fold of the log that the cards are of. */
  fold?: string;
  cards: Card[];
  left?: string[];
  /** Once on a stream: all incidents in view that the log does not have. */
  unlogged?: string[];
}

export interface HistoryItem {
  offset: number;
  at_ms: number;
  kind: HistoryKind | (string & {});
  by?: { kind: "phone" | "officer" | "dispatcher"; name?: string };
  effective?: boolean;
  text?: string;
  detail?: Record<string, unknown>;
}

export interface History {
  items: HistoryItem[];
  next: number;
}

export interface Verdict {
  outcome: "effective" | "superseded";
  by?: By;
  card?: Card;
}
