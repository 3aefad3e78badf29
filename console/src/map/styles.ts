import type { FeatureLike } from "ol/Feature";
import Circle from "ol/style/Circle";
import Fill from "ol/style/Fill";
import RegularShape from "ol/style/RegularShape";
import Stroke from "ol/style/Stroke";
import Style from "ol/style/Style";
import Text from "ol/style/Text";

/** Colours of the map, read from the page's own style sheet so that both themes stay one truth. */
export interface Palette {
  land: string;
  landLine: string;
  desk: string;
  deskLine: string;
  owner: string;
  ownerLine: string;
  label: string;
  halo: string;
  unseen: string;
  seen: string;
  unverified: string;
  chosen: string;
  circle: string;
  chosenCircle: string;
  trail: string;
}

const NAMES: readonly (keyof Palette)[] = [
  "land", "landLine", "desk", "deskLine", "owner", "ownerLine", "label", "halo",
  "unseen", "seen", "unverified", "chosen", "circle", "chosenCircle", "trail",
];

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const palette = {} as Palette;
  for (const name of NAMES) palette[name] = style.getPropertyValue(`--map-${name}`).trim();
  return palette;
}

const FONT = '600 12px "Segoe UI", "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", "Noto Sans CJK KR", system-ui, sans-serif';
/** Metres per pixel below which area names have room. */
const LABEL_RESOLUTION = 160;

export function landStyle(p: Palette): Style {
  return new Style({ fill: new Fill({ color: p.land }), stroke: new Stroke({ color: p.landLine, width: 0.7 }) });
}

export function deskStyle(p: Palette, ownerId: () => string | null) {
  const plain = area(p.desk, p.deskLine, 1);
  const owner = area(p.owner, p.ownerLine, 2);
  owner.setZIndex(1);
  return (feature: FeatureLike, resolution: number): Style[] => {
    const owns = isDeskOf(feature.get("id"), ownerId());
    const base = owns ? owner : plain;
    const name: unknown = feature.get("name");
    if (resolution > LABEL_RESOLUTION || typeof name !== "string") return [base];
    return [base, label(p, name, owns)];
  };
}

/** A card names its desk, the map its area; a station's desk is its area's id behind a prefix. */
function isDeskOf(areaId: unknown, deskId: string | null): boolean {
  return deskId !== null && (areaId === deskId || `station:${String(areaId)}` === deskId);
}

function area(fill: string, line: string, width: number): Style {
  return new Style({ fill: new Fill({ color: fill }), stroke: new Stroke({ color: line, width }) });
}

function label(p: Palette, text: string, strong: boolean): Style {
  return new Style({
    text: new Text({
      text,
      font: FONT,
      overflow: true,
      fill: new Fill({ color: strong ? p.chosen : p.label }),
      stroke: new Stroke({ color: p.halo, width: 3 }),
    }),
  });
}

export interface Mark {
  readonly unseen: boolean;
  readonly unverified: boolean;
  readonly chosen: boolean;
}

/** Shape says the state, so that colour does not have to: a diamond waits, a disc is in hand. */
function markStyle(p: Palette, mark: Mark): Style[] {
  const colour = mark.unverified ? p.unverified : mark.unseen ? p.unseen : p.seen;
  const fill = new Fill({ color: mark.unverified ? p.halo : colour });
  const stroke = new Stroke({ color: mark.unverified ? colour : p.halo, width: mark.unverified ? 2.5 : 1.5 });
  const zIndex = mark.chosen ? 100 : mark.unseen ? 10 : 1;
  const image = mark.unseen
    ? new RegularShape({ points: 4, radius: 9.5, fill, stroke })
    : new Circle({ radius: 6.5, fill, stroke });
  const styles = [new Style({ image, zIndex })];
  if (mark.chosen) {
    styles.push(ring(p.halo, 5, zIndex - 1), ring(p.chosen, 2.5, zIndex - 1));
  }
  return styles;
}

/** The same shapes, small, for the inset. */
function dotStyle(p: Palette, mark: Mark): Style {
  const colour = mark.unverified ? p.unverified : mark.unseen ? p.unseen : p.seen;
  const fill = new Fill({ color: colour });
  const image = mark.unseen
    ? new RegularShape({ points: 4, radius: mark.chosen ? 7 : 5, fill })
    : new Circle({ radius: mark.chosen ? 5 : 3, fill });
  return new Style({ image, zIndex: mark.unseen ? 10 : 1 });
}

/** Where the large map looks, on the inset. */
export function frameStyle(p: Palette): Style {
  return new Style({ stroke: new Stroke({ color: p.chosen, width: 1.5 }) });
}

function ring(color: string, width: number, zIndex: number): Style {
  return new Style({ image: new Circle({ radius: 16, stroke: new Stroke({ color, width }) }), zIndex });
}

function circleStyle(p: Palette, mark: Mark): Style {
  const line = mark.chosen ? p.chosen : mark.unseen ? p.unseen : p.seen;
  return new Style({
    fill: new Fill({ color: mark.chosen ? p.chosenCircle : p.circle }),
    stroke: new Stroke({ color: line, width: mark.chosen ? 2 : 1, lineDash: mark.chosen ? [] : [4, 4] }),
  });
}

function trailStyle(p: Palette): Style[] {
  return [
    new Style({ stroke: new Stroke({ color: p.halo, width: 5 }) }),
    new Style({ stroke: new Stroke({ color: p.trail, width: 2.5, lineDash: [7, 5] }) }),
  ];
}

/** The looks of one theme, each made once: thousands of alerts share a dozen of them. */
export class Looks {
  readonly trail: Style[];
  readonly #palette: Palette;
  readonly #made = new Map<string, Style[]>();

  constructor(palette: Palette) {
    this.#palette = palette;
    this.trail = trailStyle(palette);
  }

  mark(mark: Mark): Style[] {
    return this.#once("mark", mark, () => markStyle(this.#palette, mark));
  }

  circle(mark: Mark): Style[] {
    return this.#once("circle", mark, () => [circleStyle(this.#palette, mark)]);
  }

  dot(mark: Mark): Style[] {
    return this.#once("dot", mark, () => [dotStyle(this.#palette, mark)]);
  }

  #once(kind: string, mark: Mark, make: () => Style[]): Style[] {
    const key = `${kind} ${mark.unseen} ${mark.unverified} ${mark.chosen}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(key, made);
    return made;
  }
}
