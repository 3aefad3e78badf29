import OlMap from "ol/Map";
import View from "ol/View";
import Feature from "ol/Feature";
import ScaleLine from "ol/control/ScaleLine";
import { extend, createEmpty, isEmpty, containsCoordinate, containsExtent, type Extent } from "ol/extent";
import GeoJSON from "ol/format/GeoJSON";
import LineString from "ol/geom/LineString";
import Point from "ol/geom/Point";
import Polygon, { circular, fromExtent } from "ol/geom/Polygon";
import VectorLayer from "ol/layer/Vector";
import VectorImageLayer from "ol/layer/VectorImage";
import { fromLonLat } from "ol/proj";
import VectorSource from "ol/source/Vector";
import type { Card } from "../api/types";
import { isUnseen } from "../logic/order";
import { deskStyle, frameStyle, landStyle, Looks, readPalette, type Mark } from "./styles";

/** Korea, for the moment before the areas have been read. */
const HOME = fromLonLat([127.8, 36.3]);
const HOME_ZOOM = 7;
/** Closer than this there is nothing to see on a map of areas but the circle itself. */
const CLOSEST_FIT_ZOOM = 12.5;
const CIRCLE_CORNERS = 72;
const MOVE_MS = 250;
const PROJECTION = "EPSG:3857";

export interface MapEvents {
  chosen(id: string): void;
  gesture(): void;
  moved(): void;
}

/** The map of areas and alerts. It moves only when told to, never by itself. */
export class OfficersMap {
  readonly #map: OlMap;
  readonly #land = new VectorSource();
  readonly #desk = new VectorSource();
  readonly #shapes = new VectorSource();
  readonly #marks = new VectorSource();
  readonly #landLayer = new VectorImageLayer({ source: this.#land, imageRatio: 1.5 });
  readonly #insetLand = new VectorImageLayer({ source: this.#land });
  readonly #insetMarks = new VectorSource();
  readonly #deskLayer = new VectorLayer({ source: this.#desk, declutter: true });
  readonly #inset: OlMap;
  readonly #frame = new Feature<Polygon>();
  #palette = readPalette();
  #looks = new Looks(this.#palette);
  #chosen: Card | null = null;

  constructor(target: HTMLElement, inset: HTMLElement, scale: HTMLElement, events: MapEvents) {
    this.#map = new OlMap({
      target,
      controls: [new ScaleLine({ target: scale, minWidth: 80 })],
      layers: [
        this.#landLayer,
        this.#deskLayer,
        new VectorLayer({ source: this.#shapes }),
        new VectorLayer({ source: this.#marks }),
      ],
      view: new View({ center: HOME, zoom: HOME_ZOOM, minZoom: 5, maxZoom: 19, enableRotation: false }),
    });
    this.#map.on("singleclick", (event) => {
      const hit = this.#map.forEachFeatureAtPixel(event.pixel, (feature) => feature.get("alert") as string | undefined, {
        hitTolerance: 6,
      });
      if (hit !== undefined) events.chosen(hit);
    });
    this.#map.on("pointerdrag", () => events.gesture());
    target.addEventListener("wheel", () => events.gesture(), { passive: true });
    target.addEventListener("dblclick", () => events.gesture());
    target.addEventListener("keydown", (event) => {
      if (/^(Arrow|[+\-=])/.test(event.key)) events.gesture();
    });
    this.#map.on("moveend", () => {
      const seen = this.#map.getView().calculateExtent(this.#map.getSize());
      this.#frame.setGeometry(fromExtent(seen));
      // Where everything is on the large map, a small one only hides a part of it.
      inset.hidden = containsExtent(seen, this.#desk.getExtent() ?? createEmpty());
      events.moved();
    });
    this.#inset = new OlMap({
      target: inset,
      controls: [],
      interactions: [],
      layers: [
        this.#insetLand,
        new VectorLayer({ source: this.#insetMarks }),
        new VectorLayer({ source: new VectorSource({ features: [this.#frame] }), style: () => frameStyle(this.#palette) }),
      ],
      view: new View({ center: HOME, zoom: HOME_ZOOM }),
    });
    this.dress();
  }

  destroy(): void {
    this.#map.setTarget(undefined);
    this.#inset.setTarget(undefined);
  }

  /** Takes over the colours of the theme. */
  dress(): void {
    this.#palette = readPalette();
    this.#looks = new Looks(this.#palette);
    this.#landLayer.setStyle(landStyle(this.#palette));
    this.#insetLand.setStyle(landStyle(this.#palette));
    this.#deskLayer.setStyle(deskStyle(this.#palette, () => this.#chosen?.station.id ?? null));
  }

  setLand(geojson: unknown): void {
    replace(this.#land, geojson);
  }

  setDesk(geojson: unknown): void {
    replace(this.#desk, geojson);
    const extent = this.#desk.getExtent();
    if (extent !== null && !isEmpty(extent)) this.#inset.getView().fit(extent, { padding: [8, 8, 8, 8] });
  }

  setAlerts(cards: Iterable<Card>, chosen: Card | null): void {
    // Drawing the areas anew costs a hundred thousand corners: only for another owner.
    const sameOwner = chosen?.station.id === this.#chosen?.station.id;
    this.#chosen = chosen;
    const shapes: Feature[] = [];
    const marks: Feature[] = [];
    for (const card of cards) {
      if (card.state !== "closed" || card.id === chosen?.id) this.#draw(card, shapes, marks);
    }
    this.#shapes.clear(true);
    this.#shapes.addFeatures(shapes);
    this.#marks.clear(true);
    this.#marks.addFeatures(marks);
    this.#insetMarks.clear(true);
    this.#insetMarks.addFeatures(marks.map((mark) => this.#dot(mark)));
    if (!sameOwner) this.#deskLayer.changed();
  }

  #draw(card: Card, shapes: Feature[], marks: Feature[]): void {
    const position = card.position;
    if (position === undefined) return;
    const mark: Mark = {
      unseen: isUnseen(card),
      unverified: card.verification === "unverified",
      chosen: card.id === this.#chosen?.id,
    };
    const lonLat = [position.lon, position.lat];
    if (position.radius_m !== undefined) {
      const circle = new Feature(circleOf(lonLat, position.radius_m));
      circle.setStyle(this.#looks.circle(mark));
      shapes.push(circle);
    }
    if (mark.chosen && card.trail !== undefined && card.trail.length > 1) {
      const trail = new Feature(new LineString(card.trail.map(([lon, lat]) => fromLonLat([lon, lat]))));
      trail.setStyle(this.#looks.trail);
      shapes.push(trail);
    }
    const point = new Feature({ geometry: new Point(fromLonLat(lonLat)), alert: card.id, mark });
    point.setStyle(this.#looks.mark(mark));
    marks.push(point);
  }

  #dot(mark: Feature): Feature {
    const dot = new Feature(mark.getGeometry());
    dot.setStyle(this.#looks.dot(mark.get("mark") as Mark));
    return dot;
  }

  /** Shows the chosen alert, or everything of this desk when none is chosen or it has no place. */
  fit(): void {
    const extent = this.#chosen === null ? null : extentOf(this.#chosen);
    const target = extent ?? this.#whole();
    if (target === null) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#map.getView().fit(target, {
      padding: [64, 48, 64, 48],
      maxZoom: CLOSEST_FIT_ZOOM,
      duration: still ? 0 : MOVE_MS,
    });
  }

  /** Is the chosen alert comfortably on the map? True when there is nothing to be seen. */
  showsChosen(): boolean {
    const position = this.#chosen?.position;
    const size = this.#map.getSize();
    if (position === undefined || size === undefined) return true;
    const view = this.#map.getView();
    if (view.getAnimating()) return true;
    return containsCoordinate(view.calculateExtent(size), fromLonLat([position.lon, position.lat]));
  }

  #whole(): Extent | null {
    const all = createEmpty();
    const desk = this.#desk.getExtent();
    if (desk !== null && !isEmpty(desk)) extend(all, desk);
    const marks = this.#marks.getExtent();
    if (marks !== null && this.#marks.getFeatures().length > 0) extend(all, marks);
    return isEmpty(all) ? null : all;
  }
}

function replace(source: VectorSource, geojson: unknown): void {
  const features = new GeoJSON({ featureProjection: PROJECTION }).readFeatures(geojson);
  source.clear(true);
  source.addFeatures(features);
}

/** A circle in metres on the ground, not in the metres of the projection. */
function circleOf(lonLat: number[], radiusM: number): Polygon {
  return circular(lonLat, radiusM, CIRCLE_CORNERS).transform("EPSG:4326", PROJECTION) as Polygon;
}

function extentOf(card: Card): Extent | null {
  const position = card.position;
  if (position === undefined) return null;
  const extent = createEmpty();
  const lonLat = [position.lon, position.lat];
  extend(extent, circleOf(lonLat, position.radius_m ?? 1).getExtent());
  for (const [lon, lat] of card.trail ?? []) extend(extent, new Point(fromLonLat([lon, lat])).getExtent());
  return extent;
}
