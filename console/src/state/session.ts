import { computed, signal } from "@preact/signals";
import { http, Refused } from "../api/http";
import type { Officer } from "../api/types";
import { mayDecide } from "../logic/commands";
import * as board from "./board";
import { selectedId } from "./page";

export type SignInTrouble = "wrong" | "unreachable" | "notCaughtUp" | "ended" | null;

/** undefined: not yet known; null: nobody. */
export const officer = signal<Officer | null | undefined>(undefined);
export const deciding = computed(() => mayDecide(officer.value?.role));
export const trouble = signal<SignInTrouble>(null);

board.onSessionEnded(() => {
  if (officer.peek()) leave("ended");
});

/** How often somebody who is not signed in hears how the service is. */
const LOOK_EVERY_MS = 5_000;

/** What keeps the service from its work, while nobody is signed in; null when nothing is known of that. */
export const problems = signal<string[] | null>(null);

/** Asks how the service is until the returned function is called. */
export function watchService(): () => void {
  let ended = false;
  const look = async (): Promise<void> => {
    const word = await http.readiness().catch(() => null);
    if (!ended) problems.value = word === null || word.ready ? null : word.problems;
  };
  void look();
  const timer = window.setInterval(() => void look(), LOOK_EVERY_MS);
  return () => {
    ended = true;
    window.clearInterval(timer);
    problems.value = null;
  };
}

/** Takes up a session that the browser still holds. */
export async function resume(): Promise<void> {
  try {
    enter(await http.session());
  } catch (error) {
    leave(error instanceof Refused ? null : "unreachable");
  }
}

export async function signIn(user: string, password: string): Promise<void> {
  try {
    trouble.value = null;
    enter(await http.signIn(user, password));
  } catch (error) {
    leave(whyNot(error));
  }
}

export async function signOut(): Promise<void> {
  try {
    await http.signOut();
    leave(null);
  } catch (error) {
    leave(error instanceof Refused ? null : "unreachable");
  }
}

function whyNot(error: unknown): SignInTrouble {
  if (!(error instanceof Refused)) return "unreachable";
  if (error.code === "not_caught_up") return "notCaughtUp";
  return error.status === 401 ? "wrong" : "unreachable";
}

function enter(who: Officer): void {
  officer.value = who;
  trouble.value = null;
  board.start();
}

function leave(why: SignInTrouble): void {
  officer.value = null;
  trouble.value = why;
  selectedId.value = null;
  board.stop();
}
