import { computed, signal } from "@preact/signals";
import { http, Refused } from "../api/http";
import type { Officer } from "../api/types";
import { mayDecide } from "../logic/commands";
import * as board from "./board";
import { selectedId } from "./page";

export type SignInTrouble = "wrong" | "unreachable" | "ended" | null;

/** undefined: not yet known; null: nobody. */
export const officer = signal<Officer | null | undefined>(undefined);
export const deciding = computed(() => mayDecide(officer.value?.role));
export const trouble = signal<SignInTrouble>(null);

board.onSessionEnded(() => {
  if (officer.peek()) leave("ended");
});

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
    leave(error instanceof Refused && error.status === 401 ? "wrong" : "unreachable");
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
