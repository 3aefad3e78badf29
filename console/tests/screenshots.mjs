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
const ENOUGH_ALERTS = 14;
/** Left for others to take: a picture of a room where all is done shows nothing. */
const LEFT_UNSEEN = 3;
/** Somebody in a car, after a minute: a trail that can be seen on a map of areas. */
const LONG_TRAIL_M = 900;
const M_PER_DEGREE = 111_195;
const PATIENCE_MS = 180_000;

const mock = TARGET === null ? await startMock({ alerts: 22, map: process.env.MOCK_MAP }) : null;
const url = TARGET ?? mock.url;
const browser = await launch();
await mkdir(folder, { recursive: true });
try {
  const desk = mock ? null : await (await browser.newContext()).newPage();
  if (desk) await signIn(desk, url, OFFICER_A.user, OFFICER_A.password);
  const subject = desk && (await work(desk));
  for (const theme of ["dark", "light"]) {
    for (const language of ["ko", "en"]) {
      const file = join(folder, `console-${theme}-${language}.png`);
      await shoot(theme, language, desk, subject, file);
      console.log(file);
    }
  }
} finally {
  await browser.close();
  mock?.close();
}

/** An officer does the night's work: takes the alerts, and writes to the one who moves. */
async function work(desk) {
  const id = await find(desk);
  await acknowledge(desk, id);
  await command(desk, id, "message", { text: "순찰차가 가고 있습니다. 소리 내지 마세요" });
  await closeEarlier(desk, id);
  return id;
}

/** What came before is over, so that the one in the picture stands high in the queue. */
async function closeEarlier(desk, subject) {
  const taken = (await board(desk)).filter((card) => card.state === "acknowledged" && card.verification === "verified");
  taken.sort((a, b) => a.raised_at_ms - b.raised_at_ms);
  const earlier = taken.slice(0, taken.findIndex((card) => card.id === subject)).filter((card) => card.cancel?.meaning !== "duress");
  for (const card of earlier.slice(1)) await command(desk, card.id, "close", { revision: card.revision, outcome: "helped" });
}

/** The alert with the longest trail, once the trail is long and the alerts are many. */
async function find(desk) {
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until) {
    const cards = await board(desk);
    const best = cards.filter(isPlain).sort((a, b) => lengthM(b) - lengthM(a))[0];
    if (cards.length >= ENOUGH_ALERTS && best && lengthM(best) >= LONG_TRAIL_M) return best.id;
    await desk.waitForTimeout(1000);
  }
  throw new Error(`nobody has moved ${LONG_TRAIL_M} m in ${PATIENCE_MS / 1000} s`);
}

function isPlain({ verification, cancel, position, capability }) {
  return verification === "verified" && !cancel && position?.radius_m < 150 && capability?.hears_text === "covertly";
}

/** From end to end, metres; good enough to compare. */
function lengthM({ trail = [] }) {
  if (trail.length < 2) return 0;
  const [[lon, lat], [toLon, toLat]] = [trail[0], trail.at(-1)];
  return M_PER_DEGREE * Math.hypot(toLat - lat, (toLon - lon) * Math.cos((lat * Math.PI) / 180));
}

/** Takes all but the newest. */
async function acknowledge(desk, subject) {
  const waiting = (await board(desk)).filter((card) => card.state === "assigned");
  waiting.sort((a, b) => b.raised_at_ms - a.raised_at_ms);
  for (const [at, card] of waiting.entries()) {
    if (at >= LEFT_UNSEEN || card.id === subject) await command(desk, card.id, "acknowledge", { revision: card.revision });
  }
}

function board(desk) {
  return desk.evaluate(async () => (await (await fetch("/api/board")).json()).cards);
}

async function command(desk, id, what, order) {
  const status = await desk.evaluate(async ([path, body]) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify({ command_id: crypto.randomUUID(), ...body }) });
    return answer.status;
  }, [`/api/incidents/${id}/${what}`, order]);
  if (status !== 200) throw new Error(`${what} was answered with ${status}`);
}

async function shoot(theme, language, desk, subject, file) {
  const context = await browser.newContext({ viewport: SIZE, locale: language === "ko" ? "ko-KR" : "en-GB", timezoneId: "Asia/Seoul", reducedMotion: "reduce" });
  await dress(context, theme, language);
  const page = await context.newPage();
  await signIn(page, url, OFFICER_A.user, OFFICER_A.password);
  const row = subject === null ? page.locator(".lane--main .row").first() : page.locator(`[id="row-${subject}"]`);
  await row.click();
  await page.keyboard.press("h");
  await page.waitForSelector(".history__item");
  await page.locator(".map__canvas").focus();
  await page.evaluate(() => document.activeElement?.blur());
  await page.mouse.move(SIZE.width / 2, SIZE.height / 2);
  // The areas and a position more: nothing on the page says that they are drawn.
  await page.waitForTimeout(2500);
  if (desk) {
    await acknowledge(desk, subject);
    const few = (most) => document.querySelectorAll(".lane--main .row--unseen").length <= most;
    await page.waitForFunction(few, LEFT_UNSEEN + 1);
  }
  await page.evaluate(() => document.querySelectorAll(".lane__list").forEach((list) => (list.scrollTop = 0)));
  await page.screenshot({ path: file });
  await context.close();
}
