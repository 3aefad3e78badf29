// A stand-in for the service: the same HTTP API, alerts from a script, nothing kept.
//   node tests/mock-server.mjs [port] ; MOCK_ALERTS=20 MOCK_MAP=areas.geojson
// /mock/* moves the world: raise, press, text, drop (cut the streams), refuse (next commands), mute (no words), problems (nobody new).
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { areas } from "./mock-areas.mjs";
import { historyOf, makeCard, script } from "./mock-world.mjs";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const DESK = { id: "national", kind: "national", name: "national" };
export const USERS = {
  "seoul-1": { password: "ansim-a", name: "김하나", role: "officer" },
  "seoul-2": { password: "ansim-b", name: "이두리", role: "officer" },
  wall: { password: "ansim-v", name: "상황판", role: "viewer" },
};

export async function startMock({ port = 0, alerts = 20, map: file } = {}) {
  const map = areas(file);
  const world = { map, incidents: new Map(), log: [], streams: new Set(), refuse: 0, mute: false, deafUntil: 0 };
  for (const card of script(map, alerts, Date.now())) world.incidents.set(card.id, { card, history: historyOf(card), commands: new Map() });
  const server = createServer((request, response) => {
    route(world, request, response).catch((error) => {
      if (!response.headersSent) fail(response, 500, "broken", String(error));
    });
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const beat = setInterval(() => !world.mute && world.streams.forEach((stream) => send(stream, "health", health(world))), 5000);
  const life = setInterval(() => live(world), 2000);
  const close = () => {
    clearInterval(beat);
    clearInterval(life);
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close, world };
}

function health(world) {
  return { server_at_ms: Date.now(), ready: true, problems: [], lag_ms: 0, build: "mock", map: { version: world.map.version, authority: world.map.authority, label: world.map.label ?? "가상 구역" }, desk_on_map: world.deskOnMap !== false };
}

async function route(world, request, response) {
  const url = new URL(request.url, "http://mock");
  const path = url.pathname;
  if (path.startsWith("/mock/")) return control(world, path.slice(6), await body(request), response);
  if (path === "/readyz") return json(response, { ready: !world.problems, problems: world.problems ?? [] }, world.problems ? 503 : 200);
  if (!path.startsWith("/api/")) return page(path, response);
  if (Date.now() < world.deafUntil) return void request.socket.destroy();
  if (path === "/api/sign-in" && world.problems) return fail(response, 503, "not_caught_up", world.problems.join("; "));
  if (path === "/api/sign-in") return signIn(await body(request), response);
  const user = /ansim_session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
  const officer = USERS[user];
  if (!officer) return fail(response, 401, "not_signed_in", "Sign in first.");
  if (path === "/api/sign-out") return void response.writeHead(204, { "set-cookie": cookie("", 0) }).end();
  if (path === "/api/session") return json(response, officerOf(user));
  if (path === "/api/board") return json(response, { cursor: String(world.log.length), server_at_ms: Date.now(), cards: cards(world), health: health(world) });
  if (path === "/api/events") return events(world, request, response, url);
  if (path === "/api/map" || path === "/api/basemap") return json(response, world.map);
  const [, id, what] = /^\/api\/incidents\/([^/]+)\/(\w+)$/.exec(path) ?? [];
  const incident = world.incidents.get(id);
  if (!incident) return fail(response, 404, "not_found", "No such incident at this desk.");
  if (what === "history") {
    const from = Number(url.searchParams.get("from") ?? 0);
    return json(response, { items: incident.history.slice(from), next: incident.history.length });
  }
  return command(world, incident, what, { user, ...officer }, await body(request), response, request);
}

function command(world, incident, what, officer, order, response, request) {
  const by = { user: officer.user, name: officer.name, at_ms: Date.now() };
  if (what !== "delivered" && world.refuse > 0) {
    world.refuse -= 1;
    if (world.hang) return void request.socket.destroy();
    return fail(response, 503, world.refusal, "It was not taken. Try again.");
  }
  if (incident.card.unlogged) return fail(response, 409, "unlogged", "The log does not have this alert yet.");
  const earlier = incident.commands.get(order.command_id);
  if (earlier) return json(response, earlier);
  if (what !== "delivered" && officer.role === "viewer") return fail(response, 403, "may_not_decide", "A viewer decides nothing.");
  const { card } = incident;
  const first = what === "close" ? card.closed?.by : what === "acknowledge" ? card.acknowledged_by : undefined;
  const stale = (what === "acknowledge" || what === "close") && (first || order.revision > card.revision);
  const kind = { acknowledge: "acknowledged", message: "message", note: "note", close: "closed", delivered: "delivered" }[what];
  if (!kind) return fail(response, 404, "not_found", what);
  if (what === "delivered" && card.delivered_at_ms) return json(response, { outcome: "superseded", card });
  record(incident, kind, { kind: "officer", name: officer.name }, { effective: !stale, ...(order.text ? { text: order.text } : {}) });
  let answer = { outcome: "superseded", ...(first ? { by: first } : {}), card };
  if (!stale) {
    if (what === "acknowledge") change(world, incident, { state: "acknowledged", acknowledged_by: { ...by, desk: "national" }, due_at_ms: undefined });
    if (what === "close") change(world, incident, { state: "closed", closed: { by, outcome: order.outcome } });
    if (what === "message") talk(world, incident, { from: "officer", text: order.text, at_ms: by.at_ms, by: officer.name });
    if (what === "delivered") change(world, incident, { delivered_at_ms: by.at_ms });
    answer = { outcome: "effective", by, card: incident.card };
  }
  incident.commands.set(order.command_id, answer);
  return json(response, answer);
}

function record(incident, kind, by, rest = {}) {
  incident.history.push({ offset: incident.history.length, at_ms: Date.now(), kind, by, effective: true, ...rest });
}

function talk(world, incident, last) {
  const { count = 0, unread = 0 } = incident.card.talk ?? {};
  change(world, incident, { talk: { count: count + 1, unread: unread + (last.from === "phone" ? 1 : 0), last } });
}

function change(world, incident, fields) {
  incident.card = { ...incident.card, ...fields, revision: incident.card.revision + 1 };
  publish(world, incident.card.id);
}

function publish(world, id) {
  world.log.push(id);
  const data = { server_at_ms: Date.now(), cards: [world.incidents.get(id).card] };
  for (const stream of world.streams) if (!world.mute) send(stream, "change", data, world.log.length);
}

function control(world, what, order, response) {
  const incident = world.incidents.get(order.id);
  if (what === "raise") {
    const area = world.map.features.find((f) => f.properties.name === order.station) ?? world.map.features[world.log.length % world.map.features.length];
    const card = { ...makeCard(area, world.map.features, Date.now() - 200), ...order.card };
    delete card.delivered_at_ms;
    world.incidents.set(card.id, { card, history: historyOf(card).slice(0, 2), commands: new Map() });
    publish(world, card.id);
    return json(response, { id: card.id });
  }
  if (what === "press") {
    record(incident, "further_press", { kind: "phone" });
    change(world, incident, { presses: incident.card.presses + 1, last_press_at_ms: Date.now() });
  } else if (what === "text") {
    record(incident, "text", { kind: "phone" }, { text: order.text });
    talk(world, incident, { from: "phone", text: order.text, at_ms: Date.now() });
  } else if (what === "logged") {
    const { unlogged: _, pending: __, ...card } = incident.card;
    incident.card = { ...card, state: "assigned" };
    publish(world, order.id);
  } else if (what === "refuse") Object.assign(world, { refuse: order.n ?? 1, refusal: order.code ?? "busy", hang: order.hang === true });
  else if (what === "problems") world.problems = order.problems;
  else if (what === "mute") world.mute = order.on !== false;
  else if (what === "map") {
    world.map = { ...world.map, version: order.version };
    world.deskOnMap = order.desk_on_map;
    world.streams.forEach((stream) => send(stream, "health", health(world)));
  } else if (what === "drop") {
    world.deafUntil = Date.now() + (order.ms ?? 0);
    for (const stream of world.streams) stream.destroy();
  } else return fail(response, 404, "not_found", what);
  return json(response, {});
}

/** People move: two of the phones that still report send a new fix. */
function live(world) {
  const talking = [...world.incidents.values()].filter(({ card }) => card.position && card.state !== "closed" && Date.now() - card.last_report_at_ms < 60_000);
  for (let n = 0; n < Math.min(3, talking.length); n += 1) {
    const incident = talking.sort((a, b) => a.card.last_report_at_ms - b.card.last_report_at_ms)[n];
    const { position } = incident.card;
    const at = Date.now();
    change(world, incident, { last_report_at_ms: at, position: { ...position, lon: position.lon + 0.00012, lat: position.lat + 0.00005, fix_at_ms: at } });
  }
}

function events(world, request, response, url) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const cursor = Number(request.headers["last-event-id"] ?? url.searchParams.get("cursor") ?? 0);
  const changed = [...new Set(world.log.slice(cursor))].map((id) => world.incidents.get(id).card);
  if (changed.length > 0) send(response, "change", { server_at_ms: Date.now(), cards: changed }, world.log.length);
  if (!world.mute) send(response, "health", health(world));
  world.streams.add(response);
  response.on("close", () => world.streams.delete(response));
}

function send(stream, event, data, id) {
  stream.write(`event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
}

function signIn({ user, password }, response) {
  if (USERS[user]?.password !== password) return fail(response, 401, "wrong_credentials", "User or password is wrong.");
  response.setHeader("set-cookie", cookie(user, 86400));
  return json(response, officerOf(user));
}

const cookie = (user, age) => `ansim_session=${user}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${age}`;
const officerOf = (user) => ({ user, name: USERS[user].name, role: USERS[user].role, desk: DESK });
const cards = (world) => [...world.incidents.values()].map((incident) => incident.card);

function page(path, response) {
  const file = join(DIST, normalize(path === "/" ? "/index.html" : path));
  if (!file.startsWith(DIST) || !existsSync(file) || !statSync(file).isFile()) return fail(response, 404, "not_found", "No such file. Was the page built?");
  response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream", "content-security-policy": CSP, "x-content-type-options": "nosniff" });
  createReadStream(file).pipe(response);
}

function json(response, value, status = 200) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function fail(response, status, error, message) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ error, message }));
}

async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text === "" ? {} : JSON.parse(text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock({
    port: Number(process.argv[2] ?? 7070),
    alerts: Number(process.env.MOCK_ALERTS ?? 22),
    map: process.env.MOCK_MAP,
  });
  console.error(`mock on ${mock.url}, users ${Object.keys(USERS).join(", ")}`);
}
