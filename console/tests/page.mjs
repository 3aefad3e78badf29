// The page in a real browser: against the mock, or against a running service given by
//   ANSIM_URL, ANSIM_USER_A, ANSIM_PASSWORD_A, ANSIM_USER_B, ANSIM_PASSWORD_B (officers who see the same alerts),
//   ANSIM_USER_V, ANSIM_PASSWORD_V (a viewer, if there is one),
//   ANSIM_ASK=1 when whoever started this has a phone and does what the lines `ask: raise` and
//   `ask: answer` on standard output say; without it the next alert is waited for.
import assert from "node:assert/strict";
import { launch, OFFICER_A, OFFICER_B, signIn, TARGET, VIEWER } from "./browser.mjs";
import { checkAccess } from "./page-access.mjs";
import { checkPolicy, checkTalk, checkViewer } from "./page-service.mjs";
import { checkTroubles } from "./page-troubles.mjs";
import { startMock } from "./mock-server.mjs";

const env = process.env;
const mock = TARGET === null ? await startMock({ alerts: 20 }) : null;
const url = new URL(TARGET ?? mock.url).origin;
const A = OFFICER_A;
const B = OFFICER_B;
/** Simulated phones raise when it suits them. */
const ALERT_PATIENCE_MS = 60_000;

const browser = await launch();
const strangers = [];
const complaints = [];

try {
  const a = await officer(A);
  const b = await officer(B);
  await step("an alert appears without reloading, and an officer acknowledges it from the keyboard", () => acknowledgeNew(a, b));
  if (env.ANSIM_ASK) await step("words go to the phone and come back", () => checkTalk({ a, ask }));
  if (mock) await checkTroubles({ step, mock, a, b, officer, A });
  if (VIEWER.user) await step("a viewer sees and decides nothing", () => checkViewer({ browser, url, viewer: VIEWER, watch }));
  await checkAccess({ step, browser, url, A, watch });
  await step("the policy stops what is not of the page", () => checkPolicy({ browser, url }));
  await step("no request left the origin, nothing broke the content security policy", async () => {
    assert.deepEqual(strangers, []);
    assert.deepEqual(complaints, []);
  });
  console.log("all is well");
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
  mock?.close();
}

async function step(name, check) {
  const begun = Date.now();
  await check().catch((error) => {
    console.error(`not ok ${name} (${Date.now() - begun} ms)`);
    throw error;
  });
  console.log(`ok ${name} (${Date.now() - begun} ms)`);
}

/** Notes every request to elsewhere and everything the browser complains about. */
function watch(context) {
  context.on("request", (request) => {
    if (new URL(request.url()).origin !== url) strangers.push(request.url());
  });
  context.on("console", (message) => {
    if (/content security policy|violat/i.test(message.text())) complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
}

async function officer(who, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1600, height: 950 }, locale: "ko-KR", ...options });
  watch(context);
  const page = await context.newPage();
  await signIn(page, url, who.user, who.password);
  await page.waitForSelector(".header__states .pill--good");
  return page;
}

async function acknowledgeNew(a, b) {
  const known = new Set(await rowIds(a));
  await a.evaluate(() => (window.notReloaded = true));
  await trigger();
  const id = await fresh(a, known);
  assert.equal(await a.evaluate(() => window.notReloaded), true);
  assert.match(await a.title(), /안심|미확인/);
  await a.locator(`[id="${id}"]`).focus();
  await a.keyboard.press("Enter");
  await a.waitForSelector(`[id="${id}"].row--seen`);
  const name = await a.locator(".header__desk p").textContent();
  const who = name.split("·").pop().trim();
  const badge = b.locator(`[id="${id}"] .badge--seen`);
  await badge.waitFor();
  assert.ok((await badge.textContent()).includes(who), `the second page names ${who}`);
}

async function trigger() {
  if (mock) await move("raise", {});
  else ask("raise");
}

function ask(what) {
  console.log(`ask: ${what}`);
}

async function move(what, order) {
  const response = await fetch(`${url}/mock/${what}`, { method: "POST", body: JSON.stringify(order) });
  return response.json();
}

function rowIds(page) {
  return page.locator(".row").evaluateAll((rows) => rows.map((row) => row.id));
}

async function fresh(page, known) {
  const handle = await page.waitForFunction(
    (ids) => [...document.querySelectorAll(".lane--main .row--unseen")].map((row) => row.id).find((id) => !ids.includes(id)),
    [...known],
    { timeout: ALERT_PATIENCE_MS },
  );
  return handle.jsonValue();
}
