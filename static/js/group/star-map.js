/**
 * <star-map src>: the members of a group as stars around their leader, live; or as a list. A star opens its agent's
 * card, a line the messages between the two. Arrow keys lead from star to star and from line to line.
 */

import { find } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { facts } from "./facts.js";
import { drawLights } from "./lights.js";
import { curve, layout, nextStar, textWidth, thickness } from "./map-layout.js";
import { lineKey, standing } from "./map-state.js";
import { drawLine, drawStar, lineNode, placeOf, starNode, svg } from "./star-node.js";

/** @import { Curve, Layout } from "./map-layout.js" */
/** @import { Passing } from "./map-state.js" */

const SHOWN = "stars-shown";
const PHONE = matchMedia("(width < 40rem)");

class StarMap extends HTMLElement {
  /** @type {Map<string, SVGGElement>} */
  #stars = new Map();
  /** @type {Map<string, SVGGElement>} */
  #lines = new Map();
  /** @type {Map<string, Curve>} */
  #curves = new Map();
  /** @type {Layout | null} */
  #layout = null;
  #chosen = "";
  #frame = 0;
  #width = 0;

  connectedCallback() {
    if (this.sky) return;
    this.sky = find(this, "[data-ref=sky]");
    this.card = find(this, "[data-ref=card]");
    this.linesOf = svg("g", { class: "map-lines" });
    this.lightsOf = svg("g", { class: "map-lights", "aria-hidden": "true" });
    this.starsOf = svg("g", { class: "map-stars" });
    this.told = svg("text", { class: "star-name", "aria-hidden": "true" });
    this.missing = svg("text", { class: "star-missing" });
    this.picture = svg("svg", { class: "map", role: "group", "aria-label": gettext("Star map: the leader in the centre, the others around it") }, this.linesOf, this.lightsOf, this.starsOf, this.told, this.missing);
    this.sky.append(this.picture);
    this.lights = drawLights(this.lightsOf, (key) => this.#curves.get(key), (key) => this.#lines.get(key), (id) => this.#stars.get(id));
    find(this, ".stars-switch").hidden = false;
    this.#show(localStorage.getItem(SHOWN) ?? (PHONE.matches ? "list" : "map"));
    this.addEventListener("click", (event) => this.#click(event));
    this.picture.addEventListener("keydown", (event) => this.#key(event));
    for (const type of ["pointerover", "focusin", "focusout"]) this.starsOf.addEventListener(type, (event) => this.#tell(event));
    this.starsOf.addEventListener("pointerleave", (event) => this.#tell(event));
    this.card.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    this.resize = new ResizeObserver(() => this.#later());
    this.resize.observe(this.sky);
    facts.addEventListener("change", () => this.#later());
    // Whoever was changed in the card is shown as they are now.
    document.body.addEventListener("htmx:afterSwap", (event) => {
      const node = this.#stars.get(this.#chosen);
      if (event.detail.target.id === "members" && node && !this.card?.hidden) this.#choose(node, false);
    });
    const when = () => this.dataset.shown === "map";
    const section = gettext("Star map");
    keys.add(
      { section, keys: ["arrowleft", "arrowright", "arrowup", "arrowdown"], text: gettext("From one star to another"), when },
      { section, keys: "enter", text: gettext("What it is about"), when },
    );
    facts.addEventListener("pass", (event) => this.#pass(/** @type {CustomEvent<Passing[]>} */ (event).detail));
    facts.open(this.getAttribute("src") ?? "");
  }

  #later() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const { sky } = facts;
    const width = this.sky?.clientWidth ?? 0;
    const count = this.querySelector("[data-ref=count]");
    if (sky && count) count.textContent = String(sky.members.size);
    if (!sky || !width) return;
    const names = [...sky.members.keys()].filter((id) => id !== sky.leader);
    const shape = layout(sky.leader || null, names, width);
    // The first picture stands at once; later ones move there.
    this.picture?.classList.toggle("is-still", this.#width !== width);
    this.#width = width;
    this.#layout = shape;
    if (this.picture) this.picture.dataset.size = shape.size;
    this.picture?.setAttribute("viewBox", `0 0 ${shape.width} ${shape.height}`);
    this.sky?.style.setProperty("--height", `${shape.height}px`);
    this.#drawStars(shape);
    this.#drawLines(shape);
    this.#drawMissing(shape, sky.leader ? "" : sky.members.size ? gettext("No leader yet") : gettext("Nobody yet: add members below"));
    this.#stops();
  }

  /** @param {Layout} shape */
  #drawStars(shape) {
    const { sky } = facts;
    if (!sky) return;
    const first = !this.#stars.size;
    const seen = new Set();
    for (const placed of shape.stars) {
      const member = sky.members.get(placed.id);
      if (!member) continue;
      seen.add(placed.id);
      const known = this.#stars.get(placed.id);
      const node = known ?? starNode(placed.id);
      drawStar(node, placed, member, standing(sky, placed.id));
      node.classList.toggle("is-chosen", this.#chosen === placed.id);
      if (known) continue;
      placeOf(node).classList.toggle("is-new", !first);
      this.#stars.set(placed.id, node);
      this.starsOf?.append(placeOf(node));
    }
    drop(this.#stars, seen, placeOf);
    if (this.#chosen && !this.#chosen.includes(" ") && !seen.has(this.#chosen)) this.#close();
  }

  /** In the leader's place, what a group without one lacks. @type {(shape: Layout, words: string) => void} */
  #drawMissing({ centre }, words) {
    if (!this.missing) return;
    this.missing.textContent = words;
    this.missing.setAttribute("x", String(centre.x));
    this.missing.setAttribute("y", String(centre.y));
  }

  /** @param {Layout} shape */
  #drawLines(shape) {
    const { sky } = facts;
    if (!sky) return;
    const at = new Map(shape.stars.map((star) => [star.id, star]));
    const pairs = new Map([...sky.lines.keys()].map((key) => [key, key.split(" ")]));
    for (const id of sky.members.keys()) {
      if (sky.leader && id !== sky.leader) pairs.set(lineKey(sky.leader, id), [sky.leader, id].toSorted());
    }
    const seen = new Set();
    for (const [key, [one = "", other = ""]] of pairs) {
      const [from, to] = [at.get(one), at.get(other)];
      if (!from || !to) continue;
      seen.add(key);
      const known = this.#lines.get(key);
      const node = known ?? lineNode(key);
      const messages = sky.lines.get(key) ?? 0;
      const path = curve(from, to, shape.centre);
      this.#curves.set(key, path);
      drawLine(node, path, [one, other], { messages, thick: thickness(messages), told: shape.rings.length > 0 });
      node.classList.toggle("is-chosen", this.#chosen === key);
      if (known) continue;
      this.#lines.set(key, node);
      this.linesOf?.append(node);
    }
    drop(this.#lines, seen);
  }

  /** The name of a star that is too small to bear one, while it is pointed at or has the focus. @param {Event} event */
  #tell(event) {
    if (!this.told || !this.#layout) return;
    const leaves = event.type === "focusout" || event.type === "pointerleave";
    const id = leaves ? "" : /** @type {SVGGElement | null} */ (/** @type {Element} */ (event.target).closest("[data-agent]"))?.dataset.agent;
    const at = this.#layout.stars.find((star) => star.id === id && !star.label);
    this.told.textContent = at?.id ?? "";
    if (!at) return;
    const half = textWidth(at.id) / 2 + 4;
    this.told.setAttribute("x", String(Math.min(Math.max(at.x, half), this.#layout.width - half)));
    this.told.setAttribute("y", String(at.y - at.r - 8));
  }

  /** One stop for the tabulator among the stars, one among the lines. */
  #stops() {
    for (const nodes of [this.#stars, this.#lines]) {
      const all = [...nodes.values()];
      const stop = all.find((node) => node === document.activeElement) ?? all.find((node) => node.tabIndex === 0) ?? all[0];
      for (const node of all) node.setAttribute("tabindex", node === stop ? "0" : "-1");
    }
  }

  /** @param {Passing[]} passed */
  #pass(passed) {
    if (this.dataset.shown !== "map" || document.hidden) return;
    for (const each of passed) this.lights?.(each);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const target = /** @type {Element} */ (event.target);
    const shown = /** @type {HTMLElement | null} */ (target.closest("[data-show]"))?.dataset.show;
    if (shown) {
      localStorage.setItem(SHOWN, shown);
      this.#show(shown);
    }
    const words = /** @type {SVGGElement | null} */ (target.closest("[data-for]"))?.dataset.for;
    const node = words ? this.#stars.get(words) : /** @type {SVGGElement | null} */ (target.closest("[data-agent], [data-line]"));
    if (node) this.#choose(node);
    if (target.closest("[data-close]") && this.card?.contains(target)) {
      event.preventDefault();
      this.#close();
    }
    const to = /** @type {HTMLElement | null} */ (target.closest("[data-write-to]"))?.dataset.writeTo;
    if (to) document.dispatchEvent(new CustomEvent("stars:write-to", { detail: to }));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const node = /** @type {SVGGElement | null} */ (/** @type {Element} */ (event.target).closest("[data-agent], [data-line]"));
    if (!node) return;
    if (event.key === "Enter" || event.key === " ") this.#choose(node);
    else if (event.key === "Escape") this.#close();
    else if (event.key.startsWith("Arrow")) this.#to(node, event.key);
    else return;
    event.preventDefault();
  }

  /** @type {(from: SVGGElement, key: string) => void} */
  #to(from, key) {
    /** @type {SVGGElement | undefined} */
    let node;
    if (from.dataset.agent) node = this.#stars.get(nextStar(this.#layout?.stars ?? [], from.dataset.agent, key));
    else {
      const all = [...this.#lines.values()];
      const step = key === "ArrowLeft" || key === "ArrowUp" ? all.length - 1 : 1;
      node = all[(all.indexOf(from) + step) % all.length];
    }
    node?.focus();
    this.#stops();
  }

  /** Open what the star or line has to tell. @type {(node: SVGGElement, focus?: boolean) => Promise<void>} */
  async #choose(node, focus = true) {
    const { agent, line } = node.dataset;
    this.#chosen = agent ?? line ?? "";
    const rest = agent ? encodeURIComponent(agent) : (line ?? "").split(" ").map(encodeURIComponent).join("/");
    this.#later();
    if (!this.card) return;
    this.card.hidden = false;
    await window.htmx?.ajax("GET", `${this.getAttribute("src")}${rest}/`, { target: this.card, swap: "innerHTML" });
    if (!focus) return;
    this.card.focus({ preventScroll: true });
    this.card.scrollIntoView({ block: "nearest" });
  }

  #close() {
    const node = this.#stars.get(this.#chosen) ?? this.#lines.get(this.#chosen);
    this.#chosen = "";
    if (this.card) this.card.hidden = true;
    this.card?.replaceChildren();
    this.#later();
    if (this.contains(document.activeElement) || document.activeElement === document.body) node?.focus();
  }

  /** @param {string} what */
  #show(what) {
    const map = what === "map";
    this.dataset.shown = what;
    if (!map && this.#chosen) this.#close();
    for (const button of this.querySelectorAll("[data-show]")) {
      button.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (button).dataset.show === what));
    }
    this.#later();
  }
}

/**
 * Take away what is drawn no more; `whole` is what belongs to a node.
 * @type {(nodes: Map<string, SVGGElement>, seen: Set<string>, whole?: (node: SVGGElement) => SVGGElement) => void}
 */
function drop(nodes, seen, whole) {
  for (const [key, node] of nodes) {
    if (seen.has(key)) continue;
    (whole?.(node) ?? node).remove();
    nodes.delete(key);
  }
}

customElements.define("star-map", StarMap);
