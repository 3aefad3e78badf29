import { computed, effect, signal } from "@preact/signals";
import { nextChoice, resolveTheme, type Theme, type ThemeChoice } from "../logic/theme";
import { chooseLanguage, DICTIONARIES, type Language } from "../words";
import { onTick } from "./time";

const LANGUAGE_KEY = "ansim.language";
const THEME_KEY = "ansim.theme";

export const language = signal<Language>(chooseLanguage(recall(LANGUAGE_KEY), navigator.languages));
export const words = computed(() => DICTIONARIES[language.value]);

export const themeChoice = signal<ThemeChoice>(readTheme(recall(THEME_KEY)));
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const surroundings = signal({ prefersDark: prefersDark.matches, hour: new Date().getHours() });
export const theme = computed<Theme>(() =>
  resolveTheme(themeChoice.value, surroundings.value.prefersDark, surroundings.value.hour),
);

export const selectedId = signal<string | null>(null);
export const historyOpen = signal(false);
export const helpOpen = signal(false);
/** Alerts are spoken at once, everything else when the reader has finished. */
export const spokenAlert = signal("");
export const spokenNotice = signal("");

export function switchLanguage(): void {
  language.value = language.value === "ko" ? "en" : "ko";
  remember(LANGUAGE_KEY, language.value);
}

export function switchTheme(): void {
  themeChoice.value = nextChoice(themeChoice.value);
  remember(THEME_KEY, themeChoice.value);
}

/** Keeps <html> in step with language and theme; called once, before the first drawing. */
export function dressDocument(): void {
  effect(() => {
    document.documentElement.lang = language.value;
  });
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
  prefersDark.addEventListener("change", look);
  onTick(look);
}

function look(): void {
  const next = { prefersDark: prefersDark.matches, hour: new Date().getHours() };
  const last = surroundings.peek();
  if (next.hour !== last.hour || next.prefersDark !== last.prefersDark) surroundings.value = next;
}

function readTheme(stored: string | null): ThemeChoice {
  return stored === "dark" || stored === "light" ? stored : "auto";
}

/** Storage may be forbidden on a shared workstation; the page works without it. */
function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    return;
  }
}
