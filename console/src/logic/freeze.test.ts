import { expect, test } from "vitest";
import { arrange, EMPTY_ARRANGEMENT, neighbour, PLACED_WHILE_FROZEN, rowsAddedAbove } from "./freeze";
import type { Lanes } from "./order";

const lanes = (main: string[], unverified: string[] = [], closed: string[] = []): Lanes => ({ main, unverified, closed });

test("free: the queue stands as it wants", () => {
  const a = arrange(EMPTY_ARRANGEMENT, lanes(["a", "b"]), false);
  expect(arrange(a, lanes(["b", "a"]), false).lanes.main).toEqual(["b", "a"]);
});

test("frozen: nothing that stands changes its place, new alerts go above", () => {
  const held = arrange(arrange(EMPTY_ARRANGEMENT, lanes(["a", "b", "c"]), false), lanes(["c", "n", "a", "b"]), true);
  expect(held.lanes.main).toEqual(["n", "a", "b", "c"]);
  const more = arrange(held, lanes(["m", "c", "n", "a", "b"]), true);
  expect(more.lanes.main).toEqual(["m", "n", "a", "b", "c"]);
  expect(more.added.main).toEqual(["m", "n"]);
  expect(rowsAddedAbove(held, more, "main")).toBe(1);
});

test("frozen: rows that left or changed their lane keep their place", () => {
  const free = arrange(EMPTY_ARRANGEMENT, lanes(["a", "b", "c"]), false);
  const held = arrange(free, lanes(["c"], [], ["a"]), true);
  expect(held.lanes).toEqual(lanes(["a", "b", "c"]));
  expect(arrange(held, lanes(["c"], [], ["a"]), false).lanes).toEqual(lanes(["c"], [], ["a"]));
});

test("frozen: for any sequence of wishes the rows of the start keep their order and distance", () => {
  let seed = 7;
  const random = (n: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % n;
  };
  for (let round = 0; round < 200; round += 1) {
    const start = Array.from({ length: 1 + random(8) }, (_, at) => `s${at}`);
    let standing = arrange(EMPTY_ARRANGEMENT, lanes(start), false);
    let wish = start;
    for (let step = 0; step < 6; step += 1) {
      const before = standing;
      wish = [...wish.filter(() => random(5) > 0), `n${step}`].sort(() => random(3) - 1);
      standing = arrange(before, lanes(wish), true);
      const shift = rowsAddedAbove(before, standing, "main");
      expect(standing.lanes.main.slice(shift)).toEqual(before.lanes.main);
      for (const id of wish) expect(standing.lanes.main).toContain(id);
    }
  }
});

test("the first frozen arrangement counts what it added", () => {
  const free = arrange(EMPTY_ARRANGEMENT, lanes(["a"]), false);
  expect(rowsAddedAbove(free, arrange(free, lanes(["x", "a"]), true), "main")).toBe(1);
  expect(rowsAddedAbove(free, arrange(free, lanes(["x", "a"]), false), "main")).toBe(0);
});

test("the arrows walk over the lanes and stop at the ends", () => {
  const all = lanes(["a", "b"], ["u"], ["c"]);
  expect(neighbour(all, "b", 1, ["main", "unverified"])).toBe("u");
  expect(neighbour(all, "u", 1, ["main", "unverified"])).toBe("u");
  expect(neighbour(all, "a", -1, ["main", "unverified"])).toBe("a");
  expect(neighbour(all, null, 1, ["main"])).toBe("a");
  expect(neighbour(lanes([]), null, 1, ["main"])).toBeNull();
});

test("frozen: a burst is placed up to a bound and counted beyond it, and nothing is lost after", () => {
  const burst = Array.from({ length: PLACED_WHILE_FROZEN + 30 }, (_, at) => `n${at}`);
  const free = arrange(EMPTY_ARRANGEMENT, lanes(["a"]), false);
  const held = arrange(free, lanes([...burst, "a"]), true);
  expect(held.lanes.main.length).toBe(PLACED_WHILE_FROZEN + 1);
  expect(held.waiting.main).toBe(30);
  const again = arrange(held, lanes(["x", ...burst, "a"]), true);
  expect(again.lanes.main).toEqual(held.lanes.main);
  expect(again.waiting.main).toBe(31);
  expect(arrange(again, lanes(["x", ...burst, "a"]), false).lanes.main.length).toBe(burst.length + 2);
});
