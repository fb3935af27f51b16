/** One star of the map, and one line, as elements of SVG: made once, then only what differs is changed. */

import { hue, initials } from "../lib/avatars.js";
import { fill, gettext, ngettext } from "../lib/i18n.js";
import { clipped, countAt } from "./map-layout.js";
import { ICONS, KINDS, roleWord, standingWords, TONES } from "./words.js";

/** @import { Curve, Placed } from "./map-layout.js" */
/** @import { MemberFact, Standing } from "./map-state.js" */

const NS = "http://www.w3.org/2000/svg";
/** A star of four points, 1 from centre to tip. */
const STAR = "M0-1C.12-.3.3-.12 1 0 .3.12.12.3 0 1-.12.3-.3.12-1 0-.3-.12-.12-.3 0-1Z";

/**
 * An element of SVG.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | null>} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** @type {(name: string, x: number, y: number, size: number, kind: string) => SVGElement} */
const mark = (name, x, y, size, kind) =>
  svg("use", { href: `#icon-${name}`, x: x - size / 2, y: y - size / 2, width: size, height: size, class: kind });

/**
 * A star that stands nowhere yet: what can be chosen; beside it in its place the words around it, which its own name
 * says in full.
 * @param {string} id
 * @returns {SVGGElement}
 */
export function starNode(id) {
  const node = svg("g", { class: "star", role: "button", tabindex: -1, "data-agent": id });
  svg("g", { class: "star-place" }, node, svg("g", { class: "star-words", "aria-hidden": "true", "data-for": id }));
  return node;
}

/** Where a star stands, with all that belongs to it. @param {SVGGElement} node */
export const placeOf = (node) => /** @type {SVGGElement} */ (node.parentNode);

/**
 * Draw the star as it is now. Its place is a transform, so that it moves there.
 * @param {SVGGElement} node
 * @param {Placed} placed
 * @param {MemberFact} member
 * @param {Standing} at
 */
export function drawStar(node, placed, member, at) {
  const leads = member.role === "leader";
  const words = standingWords(at);
  const look = JSON.stringify([placed.r, placed.label, placed.box.width, member.role, member.kind, member.tags, at]);
  const place = placeOf(node);
  place.style.setProperty("transform", `translate(${placed.x}px, ${placed.y}px)`);
  if (node.dataset.look === look) return;
  node.dataset.look = look;
  node.dataset.role = member.role;
  node.dataset.at = at.word;
  place.dataset.hue = String(hue(member.id));
  node.setAttribute("aria-label", [member.id, roleWord(member.role), words, ...member.tags.map((tag) => `#${tag}`)].join(", "));
  const { r } = placed;
  /** @type {SVGElement[]} */
  const parts = [
    svg("circle", { class: "star-reach", r: Math.max(r + 4, 14) }),
    svg("circle", { class: "star-ring", r: r + 4 }),
  ];
  if (leads) parts.push(svg("circle", { class: "star-glow", r: r * 1.5 }), svg("path", { class: "star-gold", d: STAR, transform: `scale(${r * 1.15})` }));
  else parts.push(svg("circle", { class: "star-disc", r }));
  if (r >= 15) {
    parts.push(svg("circle", { class: "star-mark-ground", cx: -r * 0.8, cy: -r * 0.72, r: 8 }));
    parts.push(mark(KINDS[member.kind] ?? "agent", -r * 0.8, -r * 0.72, 10, "star-mark icon"));
  }
  node.replaceChildren(...parts, ...stateMark(r, at));
  const letters = { class: "star-initials", y: r * 0.26, "font-size": r * 0.72 };
  const mine = leads || r < 15 ? [] : [svg("text", letters, initials(member.id))];
  place.lastElementChild?.replaceChildren(...mine, ...labels(placed, member, at, words));
}

/** @type {(r: number, at: Standing) => SVGElement[]} */
function stateMark(r, at) {
  const name = ICONS[at.word];
  if (!name) return [];
  const size = r >= 15 ? 9 : 6;
  const ring = svg("g", { class: "star-state", "data-status": TONES[at.word], transform: `translate(${r * 0.78} ${-r * 0.72})` });
  ring.append(svg("circle", { r: size }), mark(name, 0, 0, size * 1.45, "icon"));
  return [ring];
}

/** @type {(placed: Placed, member: MemberFact, at: Standing, words: string) => SVGElement[]} */
function labels({ r, label, box, y }, { tags, role }, at, words) {
  // A small star's name shows when it is pointed at or has the focus (star-map.js).
  if (!label) return [];
  const top = r + 17;
  const found = [svg("text", { class: "star-name", y: top }, label)];
  if (box.y + box.height < y + top + 15) return found;
  const about = role === "worker" || role === "leader" ? tags : [roleWord(role), ...tags];
  const second = at.word === "idle" ? (about.length ? about.join(" · ") : words) : words;
  return [...found, svg("text", { class: "star-about", y: top + 15 }, clipped(second, box.width + 14))];
}

/** A line that goes nowhere yet. @param {string} key @returns {SVGGElement} */
export const lineNode = (key) =>
  svg("g", { class: "line", role: "button", tabindex: -1, "data-line": key }, svg("path", { class: "line-reach" }), svg("path", { class: "line-path" }));

/**
 * Draw the line between two members over which so many messages went.
 * @param {SVGGElement} node
 * @param {Curve} curve
 * @param {[string, string]} ends
 * @param {{messages: number, thick: number, told: boolean}} how
 */
export function drawLine(node, curve, [one, other], { messages, thick, told }) {
  const { from, bend, to } = curve;
  const d = `M${from.x} ${from.y}Q${bend.x} ${bend.y} ${to.x} ${to.y}`;
  const said = messages
    ? fill(ngettext("%(n)s message", "%(n)s messages", messages), { n: messages })
    : gettext("no messages yet");
  const words = fill(gettext("Between %(one)s and %(other)s: %(said)s"), { one, other, said });
  for (const path of node.querySelectorAll("path")) path.setAttribute("d", d);
  node.style.setProperty("--thick", `${thick}px`);
  node.classList.toggle("is-used", messages > 0);
  node.setAttribute("aria-label", words);
  node.querySelector(".line-count")?.remove();
  if (!told || !messages) return;
  const at = countAt(curve);
  const count = svg("g", { class: "line-count", transform: `translate(${at.x} ${at.y})`, "aria-hidden": "true" });
  const digits = String(messages);
  const wide = 8 + digits.length * 6.5;
  count.append(
    svg("rect", { x: -wide / 2, y: -8, width: wide, height: 16, rx: 8 }),
    svg("text", { y: 3.5 }, digits),
  );
  node.append(count);
}
