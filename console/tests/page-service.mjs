// What only holds with a service behind the page: its headers, its roles, its phones.
import assert from "node:assert/strict";
import { signIn } from "./browser.mjs";

/** Nothing may come from elsewhere, and nothing that stands in the page itself may run. */
const LOOSE = /unsafe-|https?:|\*|'nonce-|'sha\d/;

export async function checkPolicy({ browser, url }) {
  // Not watched: here the page is made to do what it must not.
  const context = await browser.newContext();
  const page = await context.newPage();
  const answer = await page.goto(url);
  const policy = (await answer.headerValue("content-security-policy")) ?? "none";
  for (const wanted of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
    assert.ok(policy.split(/;\s*/).includes(wanted), `${wanted} in the policy: ${policy}`);
  }
  assert.doesNotMatch(policy, LOOSE);
  const broken = await page.evaluate(async () => {
    const rules = [];
    document.addEventListener("securitypolicyviolation", (event) => rules.push(event.effectiveDirective));
    const script = document.createElement("script");
    script.textContent = "window.ranInline = true";
    document.head.append(script);
    await fetch("http://192.0.2.1/").catch(() => undefined);
    const style = document.createElement("style");
    style.textContent = "body { display: none }";
    document.head.append(style);
    // Violations are told in tasks of their own, in their order; this one is the last.
    await new Promise((told) => setTimeout(told));
    return { rules, ran: window.ranInline === true };
  });
  assert.deepEqual(broken, { rules: ["script-src-elem", "connect-src", "style-src-elem"], ran: false });
  await context.close();
}

/** Somebody who only looks sees everything, is offered no decision, and their keys decide nothing. */
export async function checkViewer({ browser, url, viewer, watch }) {
  const context = await browser.newContext({ viewport: { width: 1600, height: 950 }, locale: "en-GB" });
  watch(context);
  const page = await context.newPage();
  const sent = [];
  page.on("request", (request) => {
    if (/\/(acknowledge|message|note|close)$/.test(request.url())) sent.push(request.url());
  });
  await signIn(page, url, viewer.user, viewer.password);
  await page.locator(".row").first().focus();
  await page.waitForSelector(".actions");
  const offered = await page.locator(".actions .button").allTextContents();
  assert.deepEqual(offered.map((text) => text.trim()), ["HistoryH"]);
  for (const key of ["a", "t", "n", "c", "Enter"]) await page.keyboard.press(key);
  await page.waitForFunction(() => /only looks/.test(document.querySelector('[role="status"].visually-hidden').textContent));
  assert.equal(await page.locator("#composer").count(), 0);
  await page.keyboard.press("h");
  await page.waitForSelector(".history__item");
  assert.deepEqual(sent, []);
  await context.close();
}

/** An officer's words reach the phone, and its answer the officer. */
export async function checkTalk({ a, ask }) {
  await a.keyboard.press("t");
  await a.waitForSelector("#composer textarea:focus");
  await a.keyboard.type("가는 중입니다");
  await a.keyboard.press("Enter");
  // It is not known what this phone shows.
  await a.waitForSelector('[role="alertdialog"]');
  await a.keyboard.press("y");
  await a.waitForSelector(".talk__line--officer");
  ask("answer");
  const answer = a.locator(".talk__line--phone .talk__text");
  await answer.waitFor();
  assert.equal(await answer.textContent(), "문 뒤에 있어요");
}
