export type ThemeChoice = "auto" | "dark" | "light";
export type Theme = "dark" | "light";

const NIGHT_BEGINS = 18;
const NIGHT_ENDS = 7;

/** Dark at night whatever the system says; by day as the system prefers. */
export function resolveTheme(choice: ThemeChoice, prefersDark: boolean, hour: number): Theme {
  if (choice !== "auto") return choice;
  return prefersDark || hour >= NIGHT_BEGINS || hour < NIGHT_ENDS ? "dark" : "light";
}

export function nextChoice(choice: ThemeChoice): ThemeChoice {
  return choice === "auto" ? "dark" : choice === "dark" ? "light" : "auto";
}
