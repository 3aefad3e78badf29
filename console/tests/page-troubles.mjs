// What may go wrong around an officer, played by the mock.
import assert from "node:assert/strict";
import { clean } from "./page-access.mjs";

/** "drawn ID" or "sounded ID", or null for any other request. */
function deliveryOf(request) {
  if (!request.url().endsWith("/delivered")) return null;
  return `${request.postDataJSON().how} ${request.url().split("/").at(-2)}`;
}

export async function checkTroubles({ step, mock, a, b, officer, A }) {
  const move = async (what, order = {}) =>
    (await fetch(`${mock.url}/mock/${what}`, { method: "POST", body: JSON.stringify(order) })).json();
  const raise = async (card = {}) => `row-${(await move("raise", { card })).id}`;
  const row = (page, id) => page.locator(`[id="${id}"]`);
  const phase = (page, name) => page.waitForSelector(`#command[data-phase="${name}"]`);

  await step("a new alert never moves the row under the pointer", async () => {
    await a.evaluate(() => document.activeElement.blur());
    const target = a.locator(".lane--main .row").nth(2);
    await target.hover();
    const id = await target.getAttribute("id");
    const before = await row(a, id).boundingBox();
    const fresh = [await raise(), await raise()];
    for (const one of fresh) await row(a, one).waitFor({ state: "attached" });
    assert.deepEqual(await row(a, id).boundingBox(), before);
    assert.match(await a.locator(".new-above").textContent(), /2/);
    await a.mouse.move(900, 500);
    await a.waitForSelector(".new-above", { state: "detached" });
  });

  await step("a new alert never moves the row with the keyboard focus", async () => {
    await a.keyboard.press("u");
    await a.keyboard.press("ArrowDown");
    const id = await a.evaluate(() => document.activeElement.id);
    const before = await row(a, id).boundingBox();
    const fresh = await raise({ due_at_ms: Date.now() - 600_000 });
    await row(a, fresh).waitFor({ state: "attached" });
    assert.deepEqual(await row(a, id).boundingBox(), before);
    assert.equal(await a.evaluate(() => document.activeElement.id), id);
    await a.keyboard.press("u");
    await a.waitForFunction((one) => document.activeElement.id === one, fresh);
  });

  await step("a refused command says that nothing was recorded and repeats with the same id", async () => {
    const id = await raise();
    const sent = [];
    a.on("request", (request) => {
      if (request.url().endsWith("/acknowledge")) sent.push(request.postDataJSON().command_id);
    });
    await move("refuse", { n: 1 });
    await row(a, id).focus();
    // Korean input: the key says ㅁ, its place is A.
    await a.evaluate(() => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { code: "KeyA", key: "ㅁ", bubbles: true })));
    await phase(a, "refused");
    assert.match(await a.locator("#command").textContent(), /아무것도 기록되지 않았습니다/);
    await a.locator("#command .button--on-bad").click();
    await phase(a, "done");
    assert.equal(sent.length, 2);
    assert.equal(sent[0], sent[1]);
  });

  await step("a command that the log has not answered may be recorded yet, and says so", async () => {
    const id = await raise();
    await move("refuse", { n: 1, code: "not_durable" });
    await row(a, id).focus();
    await a.keyboard.press("a");
    await phase(a, "unanswered");
    assert.match(await a.locator("#command").textContent(), /나중에 기록될 수/);
    await a.locator("#command .button--on-bad").click();
    await phase(a, "done");
  });

  await step("what the log does not have says so, and becomes the log's in its place", async () => {
    const id = await raise({ state: "new", pending: true, unlogged: true });
    await row(a, id).getByText("미기록").waitFor();
    await row(a, id).focus();
    await a.keyboard.press("a");
    await phase(a, "refused");
    assert.match(await a.locator("#command").textContent(), /무전/);
    const { y } = await row(a, id).boundingBox();
    await move("logged", { id: id.replace("row-", "") });
    await row(a, id).getByText("미기록").waitFor({ state: "detached" });
    assert.equal((await row(a, id).boundingBox()).y, y);
    await a.locator("#command .button--on-bad").click();
    await phase(a, "done");
  });

  await step("a command without an answer says so, and trying again is safe", async () => {
    const id = await raise();
    // Browsers repeat a request by themselves when a kept connection breaks: break it each time.
    await move("refuse", { n: 99, hang: true });
    await row(a, id).focus();
    await a.keyboard.press("a");
    await phase(a, "unanswered");
    await move("refuse", { n: 0 });
    await a.locator("#command .button--on-bad").click();
    await phase(a, "done");
  });

  await step("who comes second is told who was first", async () => {
    const id = await raise();
    await b.route("**/delivered", (route) => route.abort());
    await row(b, id).focus();
    await row(a, id).focus();
    // B must not learn of it by any other answer.
    await move("mute");
    await a.keyboard.press("a");
    await phase(a, "done");
    await b.keyboard.press("a");
    await phase(b, "superseded");
    assert.match(await b.locator("#command").textContent(), /김하나/);
    await b.unroute("**/delivered");
    await move("mute", { on: false });
  });

  await step("a text to a phone that would show it asks for a second key", async () => {
    const id = await raise({ capability: { hears_text: "visibly", shows: "알림 1개" } });
    await row(a, id).focus();
    await a.keyboard.press("t");
    await a.waitForSelector("#composer textarea:focus");
    await a.keyboard.type("가는 중입니다");
    await a.keyboard.press("Enter");
    await a.waitForSelector('[role="alertdialog"]');
    await a.keyboard.press("Enter");
    assert.equal(await a.locator("#command").count(), 0);
    await a.keyboard.press("y");
    await phase(a, "done");
    await a.waitForSelector(".talk__line--officer");
    assert.equal(await a.evaluate(() => document.activeElement.id), id);
  });

  await step("closing takes an outcome and a second key", async () => {
    const id = await raise();
    await row(a, id).focus();
    await a.keyboard.press("c");
    await a.waitForSelector("#composer input:focus");
    await a.keyboard.press("1");
    await a.keyboard.press("Enter");
    await a.waitForSelector('[role="alertdialog"]');
    await a.keyboard.press("y");
    await phase(a, "done");
    await a.waitForSelector(".detail__title .badge--dim");
    // The row stays where it is while the focus is on it.
    await a.evaluate(() => document.activeElement.blur());
    await row(a, id).waitFor({ state: "detached" });
    await a.locator(".lane__head--button").click();
    await a.waitForSelector(`[id="${id}"].row--closed`);
    await a.locator(".lane__head--button").click();
  });

  await step("after a cut line nothing is missed and nothing is shown twice", async () => {
    await move("drop", { ms: 1500 });
    const fresh = [await raise(), await raise()];
    for (const id of fresh) {
      await row(a, id).waitFor({ state: "attached", timeout: 15_000 });
      assert.equal(await row(a, id).count(), 1);
    }
    await a.waitForSelector(".header__states .pill--good");
  });

  await step("delivered is told for every alert that was drawn, and again for its sound", async () => {
    const told = [];
    a.on("request", (request) => {
      const one = deliveryOf(request);
      if (one !== null) told.push(one);
    });
    const id = (await raise()).slice(4);
    const wanted = [`drawn ${id}`, `sounded ${id}`];
    for (const one of wanted) {
      if (!told.includes(one)) await a.waitForRequest((request) => deliveryOf(request) === one);
    }
    assert.deepEqual(told.filter((one) => one.endsWith(id)).sort(), wanted);
  });

  await step("a silent line is plain and loud, and the page stays readable", async () => {
    await move("mute");
    await a.waitForSelector("#banner-lost", { timeout: 20_000 });
    assert.ok((await a.locator("#banner-lost").boundingBox()).width >= 1600);
    assert.match(await a.locator(".header__states .pill--bad").textContent(), /연결 끊김/);
    assert.ok((await a.locator(".row").count()) > 10);
    await move("mute", { on: false });
    await a.waitForSelector("#banner-lost", { state: "detached", timeout: 15_000 });
  });

  await step("blocked sound has a red banner, and one click ends it", async () => {
    const state = await a.context().storageState();
    const page = await (await a.context().browser().newContext({ storageState: state, locale: "ko-KR" })).newPage();
    await page.goto(mock.url);
    await page.waitForSelector("#banner-sound");
    await clean(page, "blocked sound");
    await page.locator("#banner-sound button").click();
    await page.waitForSelector("#banner-sound", { state: "detached" });
    await page.context().close();
  });

  await step("after an operator's gesture the map stays until F", async () => {
    await a.mouse.move(760, 450);
    await a.mouse.wheel(0, 400);
    const words = a.locator(".map__state");
    await a.waitForFunction(() => !/따라감/.test(document.querySelector(".map__state").textContent));
    const other = a.locator(".lane--main .row").nth(1);
    await other.click();
    await a.waitForFunction((one) => document.getElementById(one).ariaSelected === "true", await other.getAttribute("id"));
    assert.doesNotMatch(await words.textContent(), /따라감/);
    await a.keyboard.press("f");
    await a.waitForFunction(() => /따라감/.test(document.querySelector(".map__state").textContent));
  });

  await step("another map is said, its areas are loaded, and a desk that is gone has a red banner", async () => {
    const loaded = ["/api/board", "/api/map", "/api/basemap"].map((path) =>
      a.waitForResponse((answer) => new URL(answer.url()).pathname === path),
    );
    await move("map", { version: "mock-2", desk_on_map: false });
    await Promise.all(loaded);
    await a.waitForSelector("#banner-map");
    assert.match(await a.locator("#banner-map").textContent(), /mock-2/);
    await a.waitForFunction(() => /mock-2/.test(document.querySelector(".map__credit").textContent));
    await a.waitForSelector("#banner-desk");
    await clean(a, "a desk that is gone");
    assert.ok((await a.locator(".row").count()) > 10, "what is open stays");
    await move("map", { version: "mock-2", desk_on_map: true });
    await a.waitForSelector("#banner-desk", { state: "detached" });
  });

  await step("whose an alert is, and why, stands beside the map", async () => {
    const row = a.locator(".lane--main .row", { hasText: "840 m" }).first();
    await row.click();
    await a.waitForFunction(() => /840 m/.test(document.querySelector("#map-reason")?.textContent ?? ""));
  });

  await step("who cannot sign in yet reads why, in both languages", async () => {
    const away = "the shared log is away, so what is new elsewhere is not seen here: connection refused";
    await move("problems", { problems: ["the board is still reading the log", away] });
    for (const [locale, why, refused] of [
      ["ko-KR", /준비되지 않았습니다.*아직 읽는 중.*connection refused/s, /새로 로그인할 수 없습니다/],
      ["en-GB", /not ready.*still being read.*connection refused/s, /Nobody new can sign in/],
    ]) {
      const page = await (await a.context().browser().newContext({ locale })).newPage();
      await page.goto(mock.url);
      await page.waitForSelector("#banner-service");
      assert.match(await page.locator("#banner-service").textContent(), why);
      await page.fill('input[name="user"]', A.user);
      await page.fill('input[name="password"]', A.password);
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.querySelector(".sign-in__trouble").textContent !== "");
      assert.match(await page.locator(".sign-in__trouble").textContent(), refused);
      await clean(page, "not ready");
      await page.context().close();
    }
    await move("problems");
  });

  await step("who signs out sees no alert any more", async () => {
    const page = await officer(A);
    await page.locator(".header__tools button").last().click();
    await page.waitForSelector(".sign-in__card");
    assert.equal(await page.locator(".row").count(), 0);
    await page.context().close();
  });
}
