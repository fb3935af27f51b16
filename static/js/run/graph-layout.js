/**
 * Where the nodes of a directed acyclic graph stand, in layers from left to right. Pure; no DOM.
 *
 * The steps are those of Sugiyama, Tagawa and Toda (Methods for Visual Understanding of Hierarchical System Structures,
 * 1981): layers by longest path; points that carry long edges through the layers between; few crossings by barycentres;
 * coordinates by means of neighbours. The same nodes always give the same layout, and with the layout `before` of a
 * smaller graph what stood there stays where it was, so that a further plan makes nothing jump.
 */

import { mean, nth } from "../lib/lists.js";
import { crossings } from "./graph-crossings.js";

/** @typedef {{id: string, needs: readonly string[], width?: number, height?: number}} LayoutNode */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {{id: string, x: number, y: number, width: number, height: number, layer: number}} Place */
/** @typedef {{from: string, to: string, points: Point[]}} Edge */
/**
 * @typedef {object} Layout
 * @property {Map<string, Place>} places - by id; `x` and `y` are the left top corner
 * @property {Edge[]} edges - from the right side of one to the left side of another
 * @property {{x: number, y: number, width: number, height: number}} bounds
 * @property {Map<string, Slot>} slots - for the next layout
 */
/** @typedef {{layer: number, centre: number}} Slot */
/** @typedef {{width: number, height: number, layerGap: number, rowGap: number}} Sizes */
/**
 * A node, or a point by which an edge passes a layer.
 * @typedef {object} Item
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {number} layer
 * @property {number} centre
 * @property {Item[]} before - neighbours in the layer at the left
 * @property {Item[]} after - neighbours in the layer at the right
 */

/** @type {Sizes} */
export const SIZES = { width: 208, height: 64, layerGap: 56, rowGap: 20 };
/** How much room an edge takes where it passes a layer. */
const PASS = 6;
const SWEEPS = 8;
/** Above this many, long edges go straight: a plan that dense is no drawing any more. */
const MOST_PASSES = 6000;

/**
 * Lay the nodes out. What a node needs and is not among them is passed over, and so is whatever would close a circle.
 * @param {readonly LayoutNode[]} nodes - in reading order, which settles ties
 * @param {{sizes?: Partial<Sizes>, before?: Pick<Layout, "slots"> | null}} [options]
 * @returns {Layout}
 */
export function layout(nodes, { sizes = {}, before = null } = {}) {
  const size = { ...SIZES, ...sizes };
  const edges = acyclic(nodes);
  const layers = layered(nodes, edges);
  const { columns, routes, items } = columnsOf(nodes, edges, layers, size);
  if (before) keep(columns, before.slots, size);
  else {
    order(columns);
    align(columns, size);
  }
  return placed(columns, routes, items, edges, size);
}

/** @param {readonly LayoutNode[]} nodes @returns {[string, string][]} */
function acyclic(nodes) {
  const known = new Map(nodes.map((node) => [node.id, node]));
  /** @type {Map<string, "open" | "done">} */
  const seen = new Map();
  /** @type {[string, string][]} */
  const edges = [];
  for (const root of nodes) {
    /** @type {[string, Iterator<string>][]} */
    const stack = [];
    /** @param {LayoutNode} node */
    const enter = (node) => {
      seen.set(node.id, "open");
      stack.push([node.id, new Set(node.needs)[Symbol.iterator]()]);
    };
    if (!seen.has(root.id)) enter(root);
    while (stack.length) {
      const [id, needs] = /** @type {[string, Iterator<string>]} */ (stack.at(-1));
      const { value: need, done } = needs.next();
      if (done) {
        seen.set(id, "done");
        stack.pop();
        continue;
      }
      const node = known.get(need);
      if (!node || seen.get(need) === "open") continue;
      edges.push([need, id]);
      if (!seen.has(need)) enter(node);
    }
  }
  return edges;
}

/**
 * The layer of each node: one after the last of what it needs.
 * @param {readonly LayoutNode[]} nodes
 * @param {[string, string][]} edges
 */
function layered(nodes, edges) {
  const layers = new Map(nodes.map(({ id }) => [id, 0]));
  const waits = new Map(nodes.map(({ id }) => [id, 0]));
  /** @type {Map<string, string[]>} */
  const next = new Map(nodes.map(({ id }) => [id, []]));
  for (const [from, to] of edges) {
    next.get(from)?.push(to);
    waits.set(to, (waits.get(to) ?? 0) + 1);
  }
  const free = [...waits].filter(([, n]) => n === 0).map(([id]) => id);
  for (const id of free) {
    for (const to of next.get(id) ?? []) {
      layers.set(to, Math.max(layers.get(to) ?? 0, (layers.get(id) ?? 0) + 1));
      const left = (waits.get(to) ?? 0) - 1;
      waits.set(to, left);
      if (left === 0) free.push(to);
    }
  }
  return layers;
}

/**
 * The items of each layer, and which of them each edge passes.
 * @param {readonly LayoutNode[]} nodes
 * @param {[string, string][]} edges
 * @param {Map<string, number>} layers
 * @param {Sizes} size
 */
function columnsOf(nodes, edges, layers, size) {
  /** @type {Item[][]} */
  const columns = [];
  /** @param {string} name @param {number} layer @param {number} width @param {number} height @returns {Item} */
  const put = (name, layer, width, height) => {
    /** @type {Item} */
    const item = { name, width, height, layer, centre: 0, before: [], after: [] };
    while (columns.length <= layer) columns.push([]);
    nth(columns, layer).push(item);
    return item;
  };
  const items = new Map(
    nodes.map(({ id, width, height }) => [
      id,
      put(id, layers.get(id) ?? 0, width ?? size.width, height ?? size.height),
    ]),
  );
  const span = (/** @type {[string, string]} */ [from, to]) => (layers.get(to) ?? 0) - (layers.get(from) ?? 0);
  const passes = edges.reduce((sum, edge) => sum + span(edge) - 1, 0);
  const routes = edges.map(([from, to]) => {
    const ends = /** @type {[Item, Item]} */ ([items.get(from), items.get(to)]);
    const route = [ends[0]];
    if (passes <= MOST_PASSES) {
      for (let layer = ends[0].layer + 1; layer < ends[1].layer; layer += 1) {
        route.push(put(`${from} ${to} ${layer}`, layer, 0, PASS));
      }
    }
    route.push(ends[1]);
    route.slice(1).forEach((item, n) => {
      const prior = nth(route, n);
      prior.after.push(item);
      item.before.push(prior);
    });
    return route;
  });
  return { columns, routes, items };
}

/**
 * Put each layer in the order of its neighbours' means, to and fro, and keep the order with the fewest crossings.
 * @param {Item[][]} columns
 */
function order(columns) {
  let best = columns.map((column) => [...column]);
  let fewest = crossings(best);
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep += 1) {
    const forth = sweep % 2 === 0;
    const rest = forth ? columns.slice(1) : columns.slice(0, -1).toReversed();
    for (const column of rest) {
      const beside = nth(columns, nth(column, 0).layer + (forth ? -1 : 1));
      const row = new Map(beside.map((item, n) => [item, n]));
      const want = new Map(
        column.map((item, n) => {
          const rows = (forth ? item.before : item.after).map((other) => row.get(other) ?? n);
          return [item, rows.length ? mean(rows) : n];
        }),
      );
      column.sort((a, b) => (want.get(a) ?? 0) - (want.get(b) ?? 0));
    }
    const found = crossings(columns);
    if (found < fewest) {
      fewest = found;
      best = columns.map((column) => [...column]);
    }
  }
  best.forEach((column, n) => columns.splice(n, 1, column));
}

/**
 * Give each item a height near its neighbours', order and distances kept.
 * @param {Item[][]} columns
 * @param {Sizes} size
 */
function align(columns, size) {
  for (const column of columns) spread(column, column.map(() => 0), size);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const column of forth ? columns : columns.toReversed()) {
      const want = column.map((item) => {
        const beside = forth ? item.before : item.after;
        return beside.length ? mean(beside.map(({ centre }) => centre)) : item.centre;
      });
      spread(column, want, size);
    }
  }
}

/**
 * The heights nearest to what is wanted (least squares) that keep order and distance: an isotonic regression, by
 * pooling adjacent violators (Ayer et al., 1955).
 * @param {Item[]} column
 * @param {number[]} want
 * @param {Sizes} size
 */
function spread(column, want, size) {
  /** @type {{sum: number, n: number}[]} */
  const pools = [];
  let far = 0;
  const offsets = column.map((item, n) => {
    if (n) far += (nth(column, n - 1).height + item.height) / 2 + size.rowGap;
    return far;
  });
  want.forEach((value, n) => {
    pools.push({ sum: value - nth(offsets, n), n: 1 });
    for (let last = pools.length - 1; last > 0; last -= 1) {
      const [a, b] = [nth(pools, last - 1), nth(pools, last)];
      if (a.sum / a.n <= b.sum / b.n) break;
      pools.splice(last - 1, 2, { sum: a.sum + b.sum, n: a.n + b.n });
    }
  });
  let n = 0;
  for (const pool of pools) {
    for (let left = pool.n; left > 0; left -= 1) {
      nth(column, n).centre = pool.sum / pool.n + nth(offsets, n);
      n += 1;
    }
  }
}

/**
 * Leave what stood in the same layer where it was, and put what is new as near as there is room to what it comes from.
 * @param {Item[][]} columns
 * @param {Map<string, Slot>} slots
 * @param {Sizes} size
 */
function keep(columns, slots, size) {
  for (const column of columns) {
    /** @type {Item[]} */
    const stands = [];
    /** @type {Item[]} */
    const comes = [];
    for (const item of column) {
      const slot = slots.get(item.name);
      if (slot?.layer === item.layer) {
        item.centre = slot.centre;
        stands.push(item);
      } else comes.push(item);
    }
    stands.sort((a, b) => a.centre - b.centre);
    for (const item of comes) {
      const want = item.before.length ? mean(item.before.map(({ centre }) => centre)) : 0;
      item.centre = freeNear(want, item, stands, size);
      stands.splice(stands.filter(({ centre }) => centre < item.centre).length, 0, item);
    }
  }
}

/** @param {number} want @param {Item} item @param {Item[]} stands - in order @param {Sizes} size */
function freeNear(want, item, stands, size) {
  /** @param {Item} other */
  const apart = (other) => (other.height + item.height) / 2 + size.rowGap;
  let best = Infinity;
  for (let n = 0; n <= stands.length; n += 1) {
    const [above, below] = [stands[n - 1], stands[n]];
    const least = above ? above.centre + apart(above) : -Infinity;
    const most = below ? below.centre - apart(below) : Infinity;
    if (least > most) continue;
    const y = Math.min(Math.max(want, least), most);
    if (Math.abs(y - want) <= Math.abs(best - want)) best = y;
  }
  return best;
}

/**
 * @param {Item[][]} columns
 * @param {Item[][]} routes
 * @param {Map<string, Item>} items
 * @param {[string, string][]} edges
 * @param {Sizes} size
 * @returns {Layout}
 */
function placed(columns, routes, items, edges, size) {
  /** @type {{x: number, width: number}[]} */
  const lanes = [];
  let x = 0;
  for (const column of columns) {
    const width = Math.max(...column.map((item) => item.width));
    lanes.push({ x, width });
    x += width + size.layerGap;
  }
  /** @type {Map<string, Place>} */
  const places = new Map();
  for (const [id, { width, height, layer, centre }] of items) {
    const lane = nth(lanes, layer);
    const left = lane.x + (lane.width - width) / 2;
    places.set(id, { id, x: left, y: centre - height / 2, width, height, layer });
  }
  const drawn = edges.map(([from, to], n) => {
    const [start, end] = /** @type {[Place, Place]} */ ([places.get(from), places.get(to)]);
    const passes = nth(routes, n).slice(1, -1).flatMap(({ layer, centre: y }) => {
      const { x: left, width } = nth(lanes, layer);
      return [{ x: left, y }, { x: left + width, y }];
    });
    const out = { x: start.x + start.width, y: start.y + start.height / 2 };
    return { from, to, points: [out, ...passes, { x: end.x, y: end.y + end.height / 2 }] };
  });
  const all = columns.flat();
  const top = all.length ? Math.min(...all.map(({ centre, height }) => centre - height / 2)) : 0;
  const foot = all.length ? Math.max(...all.map(({ centre, height }) => centre + height / 2)) : 0;
  const bounds = { x: 0, y: top, width: Math.max(0, x - size.layerGap), height: foot - top };
  const slots = new Map(all.map(({ name, layer, centre }) => [name, { layer, centre }]));
  return { places, edges: drawn, bounds, slots };
}
