/**
 * One node of a drawn graph: a card with a mark at its left. How it stands is told three times: by the mark's shape, by
 * its icon and by colour, so that none of them carries it alone.
 */

/** @import { Place } from "./graph-layout.js" */

import { svg } from "../lib/svg.js";
import { wrap } from "./graph-text.js";

/**
 * What a node shows.
 * @typedef {object} Facts
 * @property {string} id
 * @property {string} state
 * @property {string} title
 * @property {string} who
 * @property {string} meta - at the right of who: an attempt, a number
 * @property {boolean} leads - the leader's own work, which bears the star
 * @property {string} more - what else whoever cannot see it must know: its state, what it waits for
 * @property {boolean} gate - only a point through which lines go
 * @property {string} [sign] - a number that stands where the icon does
 * @property {boolean} [port] - whether a line can be drawn from its right side
 */

/** Icons of the page's sprite by state. @type {Record<string, string>} */
export const STATE_ICONS = {
  blocked: "after",
  ready: "clock",
  running: "spinner",
  retrying: "retry",
  waiting: "hand",
  completed: "check",
  failed: "cross",
  cancelled: "minus",
  skipped: "skip",
  proposed: "plus",
  ahead: "star",
};

const CIRCLE = "M-12 0a12 12 0 1 0 24 0a12 12 0 1 0-24 0Z";
const SQUARE = "M-8-11h16a3 3 0 0 1 3 3v16a3 3 0 0 1-3 3h-16a3 3 0 0 1-3-3v-16a3 3 0 0 1 3-3Z";
const DIAMOND = "M0-14 14 0 0 14-14 0Z";
const HEXAGON = "M-7-12h14L14 0 7 12h-14L-14 0Z";
const OCTAGON = "M-5.2-12.5h10.4l7.3 7.3v10.4l-7.3 7.3h-10.4l-7.3-7.3v-10.4Z";
/** @type {Record<string, string>} */
const SHAPES = { retrying: HEXAGON, waiting: DIAMOND, failed: OCTAGON, cancelled: SQUARE, skipped: SQUARE };

const TEXT_X = 48;
const LINE = 16;
const RIGHT = 12;
/** A measure for each font, made once: asking for the page's font has its styles computed anew. @type {Map<string, (text: string) => number>} */
const MEASURES = new Map();

/** How wide text is in this font. @param {string} font - weight and size */
function measurer(font) {
  const known = MEASURES.get(font);
  if (known) return known;
  const brush = document.createElement("canvas").getContext("2d");
  if (brush) brush.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
  const measure = (/** @type {string} */ text) => brush?.measureText(text).width ?? text.length * 7;
  MEASURES.set(font, measure);
  return measure;
}

export class GraphNodeMark {
  /** @type {Facts | null} */
  #facts = null;
  #at = "";

  /** @param {string} id */
  constructor(id) {
    this.root = svg("g", { class: "graph-node", tabindex: -1, role: "button", "data-id": id });
  }

  /** Show these facts at that place. @param {Facts} facts @param {Place} place */
  draw(facts, place) {
    const at = `translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})`;
    if (at !== this.#at) this.root.setAttribute("transform", at);
    this.#at = at;
    const before = this.#facts;
    const names = /** @type {(keyof Facts)[]} */ (Object.keys(facts));
    if (before && names.every((name) => before[name] === facts[name])) return;
    this.#facts = facts;
    this.root.dataset.state = facts.state;
    if (facts.gate) this.root.setAttribute("aria-label", `${facts.title}. ${facts.more}`);
    this.root.replaceChildren(...(facts.gate ? this.#gate(place) : this.#card(facts, place)));
  }

  /** Mark it as the chosen one, or no longer. @param {boolean} chosen */
  choose(chosen) {
    this.root.classList.toggle("is-chosen", chosen);
    this.root.setAttribute("aria-pressed", String(chosen));
  }

  /** @param {Place} place */
  #gate({ width, height }) {
    return [svg("circle", { class: "graph-gate", cx: width / 2, cy: height / 2, r: width / 2 - 1 })];
  }

  /** @param {Facts} facts @param {Place} place @returns {SVGElement[]} */
  #card(facts, { width, height }) {
    const room = width - TEXT_X - RIGHT;
    const lines = wrap(facts.title, room, 2, measurer("600 13px"));
    const small = measurer("400 11.5px");
    const star = facts.leads ? 14 : 0;
    const [who = ""] = wrap(facts.who, room - star - (facts.meta ? small(facts.meta) + 8 : 0), 1, small);
    // First what is seen, as it is seen (WCAG 2.5.3), then the rest.
    const shown = lines.join(" ");
    const label = [facts.sign, shown, who, facts.meta, facts.more, shown === facts.title ? "" : facts.title];
    this.root.setAttribute("aria-label", label.filter(Boolean).join(". "));
    const top = (height - lines.length * LINE - 15) / 2 + 12;
    const base = top + lines.length * LINE + 1;
    const title = svg("text", { class: "graph-title" });
    lines.forEach((line, n) => title.append(svg("tspan", { x: TEXT_X, y: top + n * LINE }, `${line} `)));
    const sign = facts.sign
      ? svg("text", { class: "graph-sign", y: 4, "text-anchor": "middle" }, `${facts.sign} `)
      : svg("g", { class: "graph-icon" }, svg("use", { href: `#icon-${STATE_ICONS[facts.state] ?? "clock"}`, width: 16, height: 16, x: -8, y: -8 }));
    const parts = [
      svg("rect", { class: "graph-card", width, height, rx: 12 }),
      svg(
        "g",
        { class: "graph-mark", transform: `translate(26 ${height / 2})` },
        svg("path", { class: "graph-shape", d: SHAPES[facts.state] ?? CIRCLE }),
        sign,
      ),
      title,
      svg("text", { class: "graph-who", x: TEXT_X + star, y: base }, `${who} `),
    ];
    if (star) parts.push(svg("use", { class: "graph-star", href: "#icon-star", width: 11, height: 11, x: TEXT_X, y: base - 9.5 }));
    if (facts.meta) parts.push(svg("text", { class: "graph-meta", x: width - RIGHT, y: base, "text-anchor": "end" }, facts.meta));
    if (facts.port) {
      const at = { cx: width, cy: height / 2 };
      parts.push(svg("circle", { class: "graph-port-room", r: 15, ...at }), svg("circle", { class: "graph-port", r: 5, ...at }));
    }
    return parts;
  }
}
