import { uuidFrom } from "../logic/commands";

/** A fresh command id. `randomUUID` is missing on plain HTTP outside localhost. */
export function newCommandId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return uuidFrom(crypto.getRandomValues(new Uint8Array(16)));
}
