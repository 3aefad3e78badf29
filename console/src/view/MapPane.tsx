import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { http } from "../api/http";
import { deskName, reasonText } from "../logic/describe";
import { OfficersMap } from "../map/officers-map";
import { cardOf, cards, health } from "../state/board";
import { areasFailed, fitMap, fitRequests, mapHeld, selectedOutside } from "../state/mapview";
import { selectedId, theme, words } from "../state/page";
import type { Words } from "../words";
import { Icon } from "./Icon";

const AREAS_RETRY_MS = 10_000;
/** A burst of alerts is drawn a few times a second; what was selected, at once. */
const DRAW_GAP_MS = 200;

export function MapPane() {
  const w = words.value;
  const canvas = useRef<HTMLDivElement>(null);
  const inset = useRef<HTMLDivElement>(null);
  const scale = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (canvas.current !== null && inset.current !== null && scale.current !== null) {
      return run(canvas.current, inset.current, scale.current);
    }
    return undefined;
  }, []);
  const chosen = selectedId.value;
  const placeless = chosen !== null && cards.value.get(chosen)?.position === undefined;
  return (
    <section class="map panel" aria-label={w.map.label}>
      <div ref={canvas} class="map__canvas" tabIndex={0} role="application" aria-label={w.map.label} />
      <div class="map__bar">
        <button type="button" class="button" onClick={fitMap} id="fit">
          <Icon name="target" />
          <span>{w.action.fit}</span>
          <kbd>F</kbd>
        </button>
        <p class="map__state" role="status">
          {stateText(chosen, placeless, w)}
        </p>
        {chosen !== null && <Reason id={chosen} />}
      </div>
      <div ref={inset} class="map__inset" aria-hidden="true" />
      <div class="map__foot">
        <Attribution />
        <div ref={scale} class="map__scale" />
      </div>
    </section>
  );
}

/** Whose the selected alert is, and why, where the officer sees the place. */
function Reason({ id }: { id: string }) {
  const w = words.value;
  const card = cardOf(id);
  if (card === undefined) return null;
  return (
    <p class="map__reason" id="map-reason">
      {w.map.reason(deskName(card.station, w), reasonText(card.assignment, w))}
    </p>
  );
}

function stateText(chosen: string | null, placeless: boolean, w: Words): string {
  if (placeless) return w.map.noPosition;
  if (selectedOutside.value) return w.map.outside;
  if (mapHeld.value) return w.map.locked;
  return chosen === null ? w.map.whole : w.map.free;
}

function Attribution() {
  const w = words.value;
  const facts = health.value?.map;
  const name = facts?.label ?? (facts === undefined ? w.unknown : w.header.authority[facts.authority]);
  return (
    <p class="map__credit">
      {w.map.areas(name, facts?.version ?? "")}
      {areasFailed.value && <strong> {w.map.failed}</strong>}
    </p>
  );
}

/** Ties the map to the page's state until the pane goes. */
function run(canvas: HTMLElement, inset: HTMLElement, scale: HTMLElement): () => void {
  let shownId: string | null = null;
  let loadedVersion: string | null = null;
  let timer = 0;
  let drawing = 0;
  const look = (): void => {
    selectedOutside.value = !map.showsChosen();
  };
  const map = new OfficersMap(canvas, inset, scale, {
    chosen: (id) => (selectedId.value = id),
    gesture: () => (mapHeld.value = true),
    moved: look,
  });
  const ends = [
    effect(() => {
      void theme.value;
      map.dress();
      draw();
    }),
    effect(() => {
      const id = selectedId.value;
      void cards.value;
      if (drawing === 0) drawing = window.setTimeout(catchUp, DRAW_GAP_MS);
      if (id !== shownId) catchUp();
    }),
    effect(() => {
      if (fitRequests.value === 0) return;
      mapHeld.value = false;
      map.fit();
    }),
    effect(() => {
      const facts = health.value?.map;
      if (facts !== undefined) void loadAreas(facts.version);
    }),
  ];
  /** Alerts may change faster than a map is drawn. */
  function catchUp(): void {
    clearTimeout(drawing);
    drawing = 0;
    const id = selectedId.peek();
    draw();
    if (!mapHeld.peek() && (id !== shownId || !map.showsChosen())) map.fit();
    shownId = id;
    look();
  }
  function draw(): void {
    const id = selectedId.peek();
    map.setAlerts(cards.peek().values(), id === null ? null : (cardOf(id) ?? null));
  }
  async function loadAreas(version = ""): Promise<void> {
    if (loadedVersion === version) return;
    loadedVersion = version;
    clearTimeout(timer);
    try {
      const [land, desk] = await Promise.all([http.basemap(), http.map()]);
      // Another map came meanwhile, and is being loaded.
      if (loadedVersion !== version) return;
      map.setLand(land);
      map.setDesk(desk);
      areasFailed.value = false;
      if (!mapHeld.peek()) map.fit();
    } catch {
      if (loadedVersion !== version) return;
      areasFailed.value = true;
      loadedVersion = null;
      timer = window.setTimeout(() => void loadAreas(version), AREAS_RETRY_MS);
    }
  }
  return () => {
    clearTimeout(timer);
    clearTimeout(drawing);
    for (const end of ends) end();
    map.destroy();
  };
}
