// One browser for the page's tests and its pictures. CHROMIUM names another one.
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

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
