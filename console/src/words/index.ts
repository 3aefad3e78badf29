import { en, type Words } from "./en";
import { ko } from "./ko";

export type Language = "ko" | "en";
export type { Words };

export const DICTIONARIES: Record<Language, Words> = { ko, en };

/** The stored choice, else the first language of the browser that we speak, else Korean. */
export function chooseLanguage(stored: string | null, wanted: readonly string[]): Language {
  if (stored === "ko" || stored === "en") return stored;
  for (const tag of wanted) {
    const base = tag.toLowerCase().split("-")[0];
    if (base === "ko" || base === "en") return base;
  }
  return "ko";
}
