import assert from "node:assert/strict";
import { test } from "node:test";
import { crossings } from "../../static/js/run/graph-crossings.js";
import { layout, SIZES } from "../../static/js/run/graph-layout.js";

/** Numbers between 0 and 1 from a seed (mulberry32), so that a failure can be seen again. */
function chance(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A random graph without circles; every node needs up to `most` of those before it. */
function randomGraph(seed, count, most = 3) {
  const next = chance(seed);
  return Array.from({ length: count }, (_, n) => ({
    id: `n${n}`,
    needs: n ? Array.from({ length: Math.floor(next() * (most + 1)) }, () => `n${Math.floor(next() * n)}`) : [],
    ...(next() < 0.1 ? { width: 40, height: 24 } : {}),
  }));
}

/** Fails unless every edge goes forward and no two nodes of a layer touch. */
function assertSound(nodes, found) {
  assert.equal(found.places.size, nodes.length);
  for (const { from, to, points } of found.edges) {
    const [start, end] = [found.places.get(from), found.places.get(to)];
    assert.ok(start.x + start.width < end.x, `${from} stands before ${to}`);
    points.reduce((a, b) => (assert.ok(a.x < b.x || (a.x === b.x && a.y === b.y)), b));
    assert.deepEqual(points[0], { x: start.x + start.width, y: start.y + start.height / 2 });
    assert.deepEqual(points.at(-1), { x: end.x, y: end.y + end.height / 2 });
  }
  const all = [...found.places.values()];
  for (const [n, a] of all.entries()) {
    for (const b of all.slice(n + 1)) {
      const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      assert.ok(apart, `${a.id} and ${b.id} overlap`);
    }
    assert.ok(a.x >= found.bounds.x && a.x + a.width <= found.bounds.x + found.bounds.width + 1e-6);
    assert.ok(a.y >= found.bounds.y - 1e-6 && a.y + a.height <= found.bounds.y + found.bounds.height + 1e-6);
  }
}

/** No edge goes through a node that it neither leaves nor enters. */
function assertClear(found) {
  for (const { from, to, points } of found.edges) {
    for (const { id, x, y, width, height } of found.places.values()) {
      if (id === from || id === to) continue;
      for (const point of points) {
        const inside = point.x > x && point.x < x + width && point.y > y && point.y < y + height;
        assert.ok(!inside, `${from} -> ${to} goes through ${id}`);
      }
    }
  }
}

test("edges go forward, nothing overlaps, nothing is crossed out: 60 random graphs", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const nodes = randomGraph(seed, 2 + (seed % 30));
    const found = layout(nodes);
    assertSound(nodes, found);
    assertClear(found);
    assert.equal(found.edges.length, nodes.reduce((sum, { needs }) => sum + new Set(needs).size, 0));
  }
});

test("the same nodes always give the same layout", () => {
  const nodes = randomGraph(7, 40);
  assert.deepEqual(layout(nodes), layout(structuredClone(nodes)));
});

test("a node stands one layer after the last of what it needs", () => {
  const nodes = [
    { id: "plan", needs: [] },
    { id: "a", needs: ["plan"] },
    { id: "b", needs: ["a"] },
    { id: "sum", needs: ["a", "b"] },
  ];
  const { places } = layout(nodes);
  assert.deepEqual([...places.values()].map(({ id, layer }) => [id, layer]), [["plan", 0], ["a", 1], ["b", 2], ["sum", 3]]);
  assert.equal(places.get("a").x, SIZES.width + SIZES.layerGap);
});

test("a fan stands symmetrically about its two ends, in the order that was given", () => {
  const work = ["a", "b", "c"].map((id) => ({ id, needs: ["plan"] }));
  const { places } = layout([{ id: "plan", needs: [] }, ...work, { id: "sum", needs: ["a", "b", "c"] }]);
  const y = (id) => Math.round(places.get(id).y);
  assert.equal(y("plan"), y("b"));
  assert.equal(y("sum"), y("b"));
  assert.ok(y("a") < y("b") && y("b") < y("c"));
  assert.equal(y("b") - y("a"), SIZES.height + SIZES.rowGap);
});

test("what can be drawn without crossings is", () => {
  const nodes = [
    { id: "a", needs: [] },
    { id: "b", needs: [] },
    { id: "c", needs: [] },
    { id: "x", needs: ["c"] },
    { id: "y", needs: ["b"] },
    { id: "z", needs: ["a"] },
  ];
  const { places } = layout(nodes);
  for (const [from, to] of [["a", "z"], ["b", "y"], ["c", "x"]]) assert.equal(places.get(from).y, places.get(to).y);
});

test("crossings are counted as by hand", () => {
  const [x, y] = [{ after: [] }, { after: [] }];
  assert.equal(crossings([[{ after: [y] }, { after: [x] }], [x, y]]), 1);
  assert.equal(crossings([[{ after: [x, y] }, { after: [x, y] }], [x, y]]), 1);
  assert.equal(crossings([[{ after: [x] }, { after: [y] }], [x, y]]), 0);
});

test("a further plan makes nothing jump", () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const all = randomGraph(seed, 40);
    const before = layout(all.slice(0, 25));
    const after = layout(all, { before });
    assertSound(all, after);
    for (const [id, place] of before.places) {
      const { x, y } = after.places.get(id);
      // What is small stands in the middle of its layer, which a wider newcomer widens.
      if (place.width === SIZES.width) assert.deepEqual([id, y], [id, place.y]);
      if (place.width === SIZES.width && place.layer === 0) assert.equal(x, place.x);
    }
    assert.deepEqual(layout(all, { before: after }).places, after.places, "and laid out again it stays");
  }
});

test("the node that comes last moves on when work comes in between, and nothing else does", () => {
  const first = [{ id: "plan", needs: [] }, { id: "a", needs: ["plan"] }, { id: "sum", needs: ["a"] }];
  const before = layout(first);
  const more = [...first.slice(0, 2), { id: "b", needs: ["a"] }, { id: "sum", needs: ["a", "b"] }];
  const { places } = layout(more, { before });
  assert.deepEqual(places.get("plan"), before.places.get("plan"));
  assert.deepEqual(places.get("a"), before.places.get("a"));
  assert.equal(places.get("sum").layer, 3);
});

test("circles, strangers and doubles do not hang or break it", () => {
  const nodes = [
    { id: "a", needs: ["c", "ghost", "a"] },
    { id: "b", needs: ["a", "a"] },
    { id: "c", needs: ["b"] },
  ];
  const found = layout(nodes);
  assertSound(nodes, found);
  assert.equal(found.edges.length, 2);
  assert.deepEqual(layout([]).bounds, { x: 0, y: 0, width: 0, height: 0 });
});

/** The milliseconds that a call takes of the processor, however busy the machine is. */
function cost(call) {
  const before = process.cpuUsage();
  call();
  return process.cpuUsage(before).user / 1000;
}

test("500 nodes are laid out fast, and again with 100 more", () => {
  const fan = [{ id: "plan", needs: [] }, ...Array.from({ length: 599 }, (_, n) => ({ id: `w${n}`, needs: ["plan"] }))];
  for (const nodes of [randomGraph(501, 600, 1), randomGraph(503, 600, 3), fan]) {
    let found = null;
    const took = cost(() => {
      found = layout(nodes, { before: layout(nodes.slice(0, 500)) });
    });
    assertSound(nodes, found);
    assert.ok(took < 1_000, `took ${took.toFixed(0)} ms`);
  }
});
