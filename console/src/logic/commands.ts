import type { By, Outcome, Role } from "../api/types";

/** What an officer asks of the service; the body goes over the wire as it is. */
export type Command =
  | { kind: "acknowledge"; body: { command_id: string; revision: number } }
  | { kind: "message"; body: { command_id: string; text: string } }
  | { kind: "note"; body: { command_id: string; text: string } }
  | {
      kind: "close";
      body: { command_id: string; revision: number; outcome: Outcome; note?: string };
    };

export type CommandKind = Command["kind"];

/** Longest text and note, as the service accepts them. */
export const TEXT_LIMIT = 500;

/** Where a command stands. A retry repeats the same command with the same id, so it acts once. */
export type Progress =
  | { phase: "sending"; command: Command }
  | { phase: "done"; command: Command }
  | { phase: "superseded"; command: Command; by: By | null }
  /** The service answered that it recorded nothing. */
  | { phase: "refused"; command: Command; code: string; message: string }
  /** No answer came: what the service did is not known; repeating is safe. */
  | { phase: "unanswered"; command: Command };

/** A role that this page does not know is left to the service, which decides it anyway. */
export function mayDecide(role: Role | undefined): boolean {
  return role !== undefined && role !== "viewer";
}

/**
 * What a refusal by the service means. `not_durable` is none: the log has not answered, and what a dispatcher
 * has on its own disk goes into it when it is back.
 */
export function afterRefusal(command: Command, code: string, message: string): Progress {
  if (code === "not_durable") return { phase: "unanswered", command };
  return { phase: "refused", command, code, message };
}

export function mayRetry(progress: Progress): boolean {
  return progress.phase === "refused" || progress.phase === "unanswered";
}

/** A version 4 UUID (RFC 9562, 5.4) from 16 random bytes. */
export function uuidFrom(random: Uint8Array): string {
  const bytes = random.slice(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/**
 * Does this phone make a text visible to whoever holds it? What is not known is treated as
 * visible: the person who holds it may be the danger.
 */
export function needsSecondKey(hears: string | undefined): boolean {
  return hears !== "covertly" && hears !== "not";
}
