// Areas for the mock: a file given by its caller, or invented cells over a rough outline.
import { readFileSync } from "node:fs";

const OUTLINE = [
  [126.6, 37.75], [127.2, 38.2], [128.3, 38.45], [128.9, 37.8], [129.4, 37.0], [129.5, 36.0],
  [129.2, 35.2], [128.5, 34.9], [127.6, 34.7], [126.6, 34.4], [126.3, 34.9], [126.5, 35.6],
  [126.6, 36.3], [126.3, 36.8], [126.8, 37.2],
];
const CELL_LON = 0.42;
const CELL_LAT = 0.34;

/** A FeatureCollection as /api/map gives it: id, name, agency, station. */
export function areas(file) {
  return file === undefined ? invented() : fromFile(file);
}

function fromFile(file) {
  const source = JSON.parse(readFileSync(file, "utf8"));
  const features = source.features.map(({ geometry, properties: p }) => ({
    type: "Feature",
    geometry,
    properties: {
      id: p.id ?? `station:${p.hq}/${p.station}`,
      name: p.name ?? p.station,
      agency: p.agency ?? p.hq,
      station: p.lat === undefined ? p.station : { lat: p.lat, lon: p.lon },
    },
  }));
  return { type: "FeatureCollection", authority: source.authority ?? "approximate", version: source.version ?? "mock", label: source.label, features };
}

function invented() {
  const features = [];
  for (let row = 0; row < 13; row += 1) {
    for (let column = 0; column < 9; column += 1) {
      const lon = 126.1 + column * CELL_LON;
      const lat = 34.2 + row * CELL_LAT;
      if (inside(lon + CELL_LON / 2, lat + CELL_LAT / 2)) features.push(cell(features.length + 1, column, row));
    }
  }
  return { type: "FeatureCollection", authority: "invented", version: "mock", features };
}

function cell(number, column, row) {
  const corner = (c, r) => [
    126.1 + c * CELL_LON + 0.09 * Math.sin(c * 12.9 + r * 78.2),
    34.2 + r * CELL_LAT + 0.07 * Math.sin(c * 39.3 + r * 11.1),
  ];
  const ring = [corner(column, row), corner(column + 1, row), corner(column + 1, row + 1), corner(column, row + 1)];
  return {
    type: "Feature",
    geometry: { type: "Polygon", coordinates: [[...ring, ring[0]]] },
    properties: {
      id: `station:가상경찰청/가상${number}경찰서`,
      name: `가상${number}경찰서`,
      agency: "가상경찰청",
      station: { lat: 34.2 + (row + 0.5) * CELL_LAT, lon: 126.1 + (column + 0.5) * CELL_LON },
    },
  };
}

function inside(lon, lat) {
  let odd = false;
  OUTLINE.forEach(([x, y], i) => {
    const [px, py] = OUTLINE[(i + OUTLINE.length - 1) % OUTLINE.length];
    if (y > lat !== py > lat && lon < ((px - x) * (lat - y)) / (py - y) + x) odd = !odd;
  });
  return odd;
}
