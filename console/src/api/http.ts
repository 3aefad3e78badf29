import type { Board, History, Officer, Readiness, Verdict } from "./types";
import type { Command } from "../logic/commands";

/** The service answered and refused; `message` is its own words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** No answer came: network, time-out, or an answer that is no JSON. */
export class Unanswered extends Error {}

/** A commit takes milliseconds; who waits longer must be told instead of waiting. */
const ANSWER_LIMIT_MS = 8_000;
/** Areas are megabytes on a slow line. */
const MAP_LIMIT_MS = 60_000;

async function call(path: string, init: RequestInit, limitMs: number): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      credentials: "same-origin",
      signal: AbortSignal.timeout(limitMs),
      ...init,
    });
  } catch {
    throw new Unanswered(path);
  }
  if (response.ok) return response;
  throw await refusal(response);
}

async function refusal(response: Response): Promise<Refused | Unanswered> {
  try {
    const body = (await response.json()) as { error?: string; message?: string };
    return new Refused(response.status, body.error ?? String(response.status), body.message ?? "");
  } catch {
    // A proxy's own page says nothing about what the service did.
    return new Unanswered(String(response.status));
  }
}

async function json<T>(path: string, init: RequestInit = {}, limitMs = ANSWER_LIMIT_MS): Promise<T> {
  const response = await call(path, init, limitMs);
  try {
    return (await response.json()) as T;
  } catch {
    throw new Unanswered(path);
  }
}

/** The answer to whether the service is ready is the same with 200 and with 503. */
async function readiness(): Promise<Readiness> {
  try {
    const response = await fetch("/readyz", { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    return (await response.json()) as Readiness;
  } catch {
    throw new Unanswered("/readyz");
  }
}

function post(body?: unknown): RequestInit {
  if (body === undefined) return { method: "POST" };
  return {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}

const incident = (id: string): string => `/api/incidents/${encodeURIComponent(id)}`;

export const http = {
  session: () => json<Officer>("/api/session"),
  signIn: (user: string, password: string) => json<Officer>("/api/sign-in", post({ user, password })),
  signOut: () => call("/api/sign-out", post(), ANSWER_LIMIT_MS),
  readiness,
  board: () => json<Board>("/api/board"),
  map: () => json<unknown>("/api/map", {}, MAP_LIMIT_MS),
  basemap: () => json<unknown>("/api/basemap", {}, MAP_LIMIT_MS),
  history: (id: string, from: number) => json<History>(`${incident(id)}/history?from=${from}`),
  command: (id: string, command: Command) => json<Verdict>(`${incident(id)}/${command.kind}`, post(command.body)),
  delivered: (id: string, commandId: string, how: "drawn" | "sounded") =>
    call(`${incident(id)}/delivered`, post({ command_id: commandId, how }), ANSWER_LIMIT_MS),
};
