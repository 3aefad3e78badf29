// Writes docs/images/console-{dark,light}-{ko,en}.png from a running service, or from the mock.
//   ANSIM_URL=… ANSIM_USER_A=… ANSIM_PASSWORD_A=… node tests/screenshots.mjs [folder]
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dress, launch, OFFICER_A, signIn, TARGET } from "./browser.mjs";
import { startMock } from "./mock-server.mjs";

const folder = process.argv[2] ?? fileURLToPath(new URL("../../docs/images/", import.meta.url));
const SIZE = { width: 1680, height: 1000 };
/** Enough alerts for a picture of a busy night; a young demo is waited for. */
const ENOUGH_ROWS = 8;
const PATIENCE_MS = 60_000;

const mock = TARGET === null ? await startMock({ alerts: 22, map: process.env.MOCK_MAP }) : null;
const url = TARGET ?? mock.url;
const browser = await launch();
await mkdir(folder, { recursive: true });
try {
  for (const theme of ["dark", "light"]) {
    for (const language of ["ko", "en"]) {
      const file = join(folder, `console-${theme}-${language}.png`);
      await shoot(theme, language, file);
      console.log(file);
    }
  }
} finally {
  await browser.close();
  mock?.close();
}

async function shoot(theme, language, file) {
  const context = await browser.newContext({ viewport: SIZE, locale: language === "ko" ? "ko-KR" : "en-GB", timezoneId: "Asia/Seoul", reducedMotion: "reduce" });
  await dress(context, theme, language);
  const page = await context.newPage();
  await signIn(page, url, OFFICER_A.user, OFFICER_A.password);
  await page.waitForFunction((n) => document.querySelectorAll(".row").length >= n, ENOUGH_ROWS, { timeout: PATIENCE_MS });
  const rows = page.locator(".lane--main .row");
  await rows.nth(process.env.SHOT_ROW ? Number(process.env.SHOT_ROW) : 0).click();
  await page.mouse.move(SIZE.width / 2, SIZE.height / 2);
  await page.locator(".map__canvas").focus();
  await page.waitForTimeout(1500);
  await page.evaluate(() => document.activeElement?.blur());
  await page.screenshot({ path: file });
  await context.close();
}
