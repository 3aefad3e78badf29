/**
 * Keys by their place on the keyboard, not by their letter: with Korean input switched on, the
 * key A says "ㅁ".
 */
export type Action =
  | "next"
  | "previous"
  | "urgent"
  | "acknowledge"
  | "text"
  | "note"
  | "close"
  | "history"
  | "fit"
  | "sound"
  | "help";

export interface Key {
  readonly code: string;
  readonly key: string;
  readonly shift: boolean;
  /** Ctrl, Alt or Meta: those belong to the browser and the screen reader. */
  readonly modified: boolean;
}

const BY_CODE: Readonly<Record<string, Action>> = {
  ArrowDown: "next",
  KeyJ: "next",
  ArrowUp: "previous",
  KeyK: "previous",
  KeyU: "urgent",
  KeyA: "acknowledge",
  KeyT: "text",
  KeyN: "note",
  KeyC: "close",
  KeyH: "history",
  KeyF: "fit",
  KeyS: "sound",
};

export function actionOf(key: Key): Action | null {
  if (key.modified) return null;
  if (key.key === "?" || (key.code === "Slash" && key.shift)) return "help";
  if (key.shift) return null;
  return BY_CODE[key.code] ?? null;
}

/** The outcome that a digit chooses, from 0; null for other keys. */
export function digitIndex(code: string): number | null {
  const match = /^(?:Digit|Numpad)([1-9])$/.exec(code);
  return match?.[1] === undefined ? null : Number(match[1]) - 1;
}

export function isConfirm(key: Key): boolean {
  return key.code === "KeyY" && !key.modified;
}
