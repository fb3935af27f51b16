/**
 * A graph drawn as SVG: edges below, nodes above, a camera over both. What it shows is given by the caller; which node is
 * pressed it tells by `graph:pick` (detail: the node's id). Arrow keys go along the edges. Where edges can be cut, each has
 * a cross that tells by `graph:cut` (detail: the edge).
 */

/** @import { Edge, Layout, Point } from "./graph-layout.js" */
/** @import { Facts } from "./graph-node.js" */

import { svg } from "../lib/svg.js";
import { GraphCamera } from "./graph-camera.js";
import { neighbour } from "./graph-model.js";
import { GraphNodeMark } from "./graph-node.js";

/** @typedef {{edge: Edge, state: string, root: SVGGElement, line: SVGPathElement, head: SVGPathElement, path: string, near: boolean, cut: {room: SVGPathElement, cross: SVGGElement} | null}} EdgeMark */

const ARROW = 7;

/**
 * A line through the points that leaves and enters level, and leaves room for its arrow.
 * @param {readonly Point[]} points
 */
export function edgePath(points) {
  const [first, ...rest] = points;
  if (!first) return "";
  const parts = [`M${first.x.toFixed(1)} ${first.y.toFixed(1)}`];
  rest.reduce((from, to, n) => {
    const x = n === rest.length - 1 ? to.x - ARROW : to.x;
    const half = (from.x + x) / 2;
    if (from.y === to.y) parts.push(`L${x.toFixed(1)} ${to.y.toFixed(1)}`);
    else parts.push(`C${[half, from.y, half, to.y, x, to.y].map((value) => value.toFixed(1)).join(" ")}`);
    return to;
  }, first);
  return parts.join("");
}

/** Where an edge's cross stands. @param {readonly Point[]} points */
function middleOf(points) {
  const [a, b] = [points[points.length / 2 - 1], points[points.length / 2]];
  return a && b ? `translate(${((a.x + b.x) / 2).toFixed(1)} ${((a.y + b.y) / 2).toFixed(1)})` : "";
}

/** Room to press an edge, and the cross that cuts it. @param {SVGGElement} root */
function cutMark(root) {
  const room = svg("path", { class: "graph-edge-room" });
  const cross = svg("g", { class: "graph-cut" }, svg("circle", { r: 9 }), svg("path", { d: "m-3.5-3.5 7 7m0-7-7 7" }));
  root.append(room, cross);
  return { room, cross };
}

export class GraphScene {
  /** @type {Map<string, GraphNodeMark>} */
  marks = new Map();
  /** @type {Map<string, EdgeMark>} */
  #edges = new Map();
  /** @type {Layout | null} */
  layout = null;
  chosen = "";
  #here = "";

  /**
   * @param {string} label - what the graph is, for whoever cannot see it
   * @param {{byHand?: () => void, resized?: () => void, still?: (event: PointerEvent) => boolean, cuts?: boolean}} [options]
   * - see GraphCamera; `cuts`: whether edges can be cut
   */
  constructor(label, { cuts = false, ...camera } = {}) {
    this.cuts = cuts;
    this.lines = svg("g", { class: "graph-edges", "aria-hidden": "true" });
    this.nodes = svg("g", { class: "graph-nodes" });
    this.moving = svg("g", {}, this.lines, this.nodes);
    this.root = svg("svg", { class: "graph-stage", role: "group", "aria-label": label }, this.moving);
    const bounds = () => this.layout?.bounds ?? { x: 0, y: 0, width: 0, height: 0 };
    this.camera = new GraphCamera(this.root, this.moving, { ...camera, bounds });
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.root.addEventListener("focusin", (event) => this.#stay(this.#idOf(event)));
    this.root.addEventListener("click", (event) => {
      if (this.#cut(event)) return;
      const id = this.#idOf(event);
      if (id) this.focus(id);
      this.#tell(id);
    });
  }

  /**
   * Draw these nodes where the layout puts them. A node that has the keyboard keeps it.
   * @param {Facts[]} facts
   * @param {Layout} layout
   * @param {(edge: Edge) => string} stateOfEdge
   */
  draw(facts, layout, stateOfEdge) {
    this.layout = layout;
    const wanted = new Set(facts.map(({ id }) => id));
    for (const [id, mark] of this.marks) {
      if (wanted.has(id)) continue;
      mark.root.remove();
      this.marks.delete(id);
    }
    let next = this.nodes.firstElementChild;
    for (const fact of facts) {
      let mark = this.marks.get(fact.id);
      if (!mark) {
        mark = new GraphNodeMark(fact.id);
        this.marks.set(fact.id, mark);
        mark.choose(fact.id === this.chosen);
      }
      const place = layout.places.get(fact.id);
      if (place) mark.draw(fact, place);
      if (next === mark.root) next = next.nextElementSibling;
      else this.nodes.insertBefore(mark.root, next);
    }
    this.#drawEdges(layout.edges, stateOfEdge);
    if (!this.marks.has(this.#here)) this.#stay(facts[0]?.id ?? "");
  }

  /** Mark one node, and the edges at it; "": none. @param {string} id */
  choose(id) {
    if (id === this.chosen) return;
    this.marks.get(this.chosen)?.choose(false);
    this.marks.get(id)?.choose(true);
    this.chosen = id;
    for (const mark of this.#edges.values()) this.#near(mark);
  }

  /** Bring a node into sight; tells whether it was out of it. @param {string} id */
  show(id) {
    const place = this.layout?.places.get(id);
    return place ? this.camera.show(place) : false;
  }

  /** Give a node the keyboard. @param {string} id */
  focus(id) {
    this.#stay(id);
    this.marks.get(id)?.root.focus({ preventScroll: true });
  }

  /** @param {Edge[]} edges @param {(edge: Edge) => string} stateOfEdge */
  #drawEdges(edges, stateOfEdge) {
    const wanted = new Set();
    for (const edge of edges) {
      const name = `${edge.from} ${edge.to}`;
      wanted.add(name);
      let mark = this.#edges.get(name);
      if (!mark) {
        const line = svg("path", { class: "graph-line" });
        const head = svg("path", { class: "graph-head", d: `M0 0l-${ARROW + 1}-4.5v9Z` });
        const root = svg("g", { class: "graph-edge", "data-name": name }, line, head);
        mark = { edge, state: "", root, line, head, path: "", near: false, cut: this.cuts ? cutMark(root) : null };
        this.#edges.set(name, mark);
        this.lines.append(root);
      }
      const path = edgePath(edge.points);
      const end = edge.points.at(-1);
      if (path !== mark.path && end) {
        mark.path = path;
        mark.line.setAttribute("d", path);
        mark.head.setAttribute("transform", `translate(${end.x.toFixed(1)} ${end.y.toFixed(1)})`);
        const { room, cross } = mark.cut ?? {};
        room?.setAttribute("d", path);
        cross?.setAttribute("transform", middleOf(edge.points));
      }
      mark.edge = edge;
      const state = stateOfEdge(edge);
      if (state !== mark.state) mark.root.dataset.state = mark.state = state;
      this.#near(mark);
    }
    for (const [name, { root }] of this.#edges) {
      if (wanted.has(name)) continue;
      root.remove();
      this.#edges.delete(name);
    }
  }

  /** Mark an edge at the chosen node. @param {EdgeMark} mark */
  #near(mark) {
    const near = this.chosen !== "" && (mark.edge.from === this.chosen || mark.edge.to === this.chosen);
    if (near !== mark.near) mark.root.classList.toggle("is-near", near);
    mark.near = near;
  }

  /** Whether an edge was pressed: its cross cuts it, the rest of it shows the cross. @param {Event} event */
  #cut(event) {
    const target = event.target instanceof Element ? event.target : null;
    const root = target?.closest(".graph-edge");
    const mark = this.cuts && root instanceof SVGElement ? this.#edges.get(root.dataset.name ?? "") : undefined;
    for (const other of this.#edges.values()) other.root.classList.toggle("is-open", other === mark);
    if (!mark) return false;
    if (target?.closest(".graph-cut")) this.root.dispatchEvent(new CustomEvent("graph:cut", { bubbles: true, detail: mark.edge }));
    return true;
  }

  /** The node that Tab comes to. @param {string} id */
  #stay(id) {
    if (!id || id === this.#here) return;
    this.marks.get(this.#here)?.root.setAttribute("tabindex", "-1");
    this.#here = id;
    this.marks.get(id)?.root.setAttribute("tabindex", "0");
  }

  /** @param {Event} event */
  #idOf(event) {
    const node = event.target instanceof Element ? event.target.closest(".graph-node") : null;
    return node instanceof SVGElement ? (node.dataset.id ?? "") : "";
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const id = this.#idOf(event);
    if (!id || !this.layout || event.altKey || event.ctrlKey || event.metaKey) return;
    const ids = [...this.marks.keys()];
    let to = null;
    switch (event.key) {
      case "ArrowLeft":
      case "ArrowRight":
      case "ArrowUp":
      case "ArrowDown":
        to = neighbour(event.key, id, this.layout);
        break;
      case "Home":
        to = ids[0];
        break;
      case "End":
        to = ids.at(-1);
        break;
      case "Enter":
      case " ":
        this.#tell(id);
        break;
      default:
        return;
    }
    event.preventDefault();
    if (!to) return;
    this.focus(to);
    if (this.show(to)) this.camera.byHand();
  }

  /** @param {string} id */
  #tell(id) {
    this.root.dispatchEvent(new CustomEvent("graph:pick", { bubbles: true, detail: id }));
  }
}
