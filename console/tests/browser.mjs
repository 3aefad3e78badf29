// One browser for the page's tests and its pictures. CHROMIUM names another one.
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const env = process.env;
/** The service to look at, or null for the mock. */
export const TARGET = env.ANSIM_URL ?? env.ANSIM_CONSOLE_URL ?? null;
export const OFFICER_A = {
  user: env.ANSIM_USER_A ?? env.ANSIM_CONSOLE_USER ?? "seoul-1",
  password: env.ANSIM_PASSWORD_A ?? env.ANSIM_CONSOLE_PASSWORD ?? "ansim-a",
};
/** Somebody who looks and decides nothing; not every service has one. */
export const VIEWER = {
  user: env.ANSIM_USER_V ?? (TARGET === null ? "wall" : null),
  password: env.ANSIM_PASSWORD_V ?? "ansim-v",
};
/** A second officer; one sign-in used twice will do, two pages are what counts. */
export const OFFICER_B = {
  user: env.ANSIM_USER_B ?? (TARGET === null ? "seoul-2" : OFFICER_A.user),
  password: env.ANSIM_PASSWORD_B ?? (TARGET === null ? "ansim-b" : OFFICER_A.password),
};

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** Opens the page as a signed-in officer. */
export async function signIn(page, url, user, password) {
  await page.goto(url);
  await page.fill('input[name="user"]', user);
  await page.fill('input[name="password"]', password);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".header__desk");
}

/** Starts the page in this theme and language. */
export function dress(context, theme, language) {
  return context.addInitScript(([t, l]) => {
    if (location.origin === "null") return;
    localStorage.setItem("ansim.theme", t);
    localStorage.setItem("ansim.language", l);
  }, [theme, language]);
}
