// axe-core over every state of the page.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dress, signIn } from "./browser.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Every colour once and every word once. */
const LOOKS = [["dark", "ko"], ["light", "en"]];

export async function checkAccess({ step, browser, url, A, watch }) {
  for (const [theme, language] of LOOKS) {
    await step(`axe-core finds nothing: ${theme}, ${language}`, () => look(theme, language));
  }

  async function look(theme, language) {
    const context = await browser.newContext({ viewport: { width: 1600, height: 950 }, reducedMotion: "reduce" });
    watch(context);
    await dress(context, theme, language);
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForSelector(".sign-in__card");
    await clean(page, "sign-in");
    await signIn(page, url, A.user, A.password);
    await page.waitForSelector(".row");
    assert.equal(await page.locator("html").getAttribute("data-theme"), theme);
    assert.equal(await page.locator("html").getAttribute("lang"), language);
    await clean(page, "queue");
    await page.locator(".row").first().focus();
    await page.keyboard.press("h");
    await page.waitForSelector(".history__item");
    await clean(page, "detail and history");
    await page.keyboard.press("t");
    await page.waitForSelector("#composer textarea");
    await clean(page, "text");
    await page.keyboard.press("Escape");
    await page.keyboard.press("c");
    await page.waitForSelector("#composer input:focus");
    await page.keyboard.press("2");
    await clean(page, "close");
    await page.keyboard.press("Enter");
    await page.waitForSelector('[role="alertdialog"]');
    await clean(page, "second key");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open]");
    await clean(page, "keys");
    await context.close();
  }
}

export async function clean(page, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ""}`).slice(0, 3).join("\n  ")}`);
  assert.deepEqual(told, [], where);
}
