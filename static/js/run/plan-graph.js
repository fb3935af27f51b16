/**
 * <plan-graph>: a plan that is edited, as a graph. A line is drawn from the dot at a node's right to what is to wait for
 * it; an edge is cut by the cross on it. By keyboard: C, arrows and Enter do both, N adds, Delete removes.
 */

/** @import { About } from "../types.d.ts" */
/** @import { PlanDraft } from "./plan-draft.js" */

import { h, icon, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { svg } from "../lib/svg.js";
import { layout } from "./graph-layout.js";
import { edgePath, GraphScene } from "./graph-scene.js";
import { circleWords, nameOf, PlanRow } from "./plan-row.js";
import { assigneeOf } from "./words.js";

const STEP = 1.25;

export class PlanGraph extends HTMLElement {
  /** @type {PlanDraft | null} */
  draft = null;
  /** @type {About["assignees"] | null} */
  assignees = null;
  /** @type {import("./graph-layout.js").Layout | null} */
  layout = null;
  shape = "";
  chosen = "";
  /** From where a line is being drawn by keyboard. */
  from = "";
  /** @type {PlanRow | null} */
  row = null;
  fitted = "";
  forget = () => {};

  connectedCallback() {
    const still = (/** @type {Event} */ event) => this.#portAt(event) !== "";
    this.scene = new GraphScene(gettext("The plan as a graph"), {
      still,
      cuts: true,
      byHand: () => (this.fitted = "hand"),
      resized: () => this.#fit(),
    });
    const { camera, root } = this.scene;
    const button = (/** @type {string} */ name, /** @type {string} */ label, /** @type {() => void} */ onclick) =>
      h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick }, icon(name));
    const tidy = () => {
      this.fitted = this.shape = "";
      this.layout = null;
      this.draw();
    };
    this.told = h("p", { class: "graph-told", role: "status" });
    const tools = h(
      "div",
      { class: "graph-tools", role: "toolbar", "aria-label": gettext("Graph") },
      this.told,
      button("minus", gettext("Smaller"), () => camera.zoom(1 / STEP)),
      button("plus", gettext("Larger"), () => camera.zoom(STEP)),
      button("fit", gettext("Tidy up and show all"), tidy),
    );
    this.line = svg("path", { class: "graph-line graph-drawn" });
    this.scene.moving.append(this.line);
    this.list = h("ul");
    this.side = h("fieldset", { class: "bare graph-card-side plan-graph-side", hidden: true }, this.list);
    this.replaceChildren(tools, h("div", { class: "graph-pane" }, root), this.side);
    root.addEventListener("keydown", (event) => this.#escape(event));
    const section = gettext("Plan");
    const when = () => this.#here !== "";
    this.forget = keys.add(
      { section, keys: ["arrowleft", "arrowright", "arrowup", "arrowdown"], text: gettext("From one subtask to another"), when },
      { section, keys: "c", text: gettext("Let another subtask wait for this one, or no longer"), run: () => this.#connect(), when },
      { section, keys: "n", text: gettext("Add a subtask after this one"), run: () => this.#add(), when },
      { section, keys: ["delete", "backspace"], text: gettext("Remove this subtask"), run: () => this.#remove(), when },
    );
    root.addEventListener("pointerdown", (event) => this.#draw(event));
    root.addEventListener("graph:pick", (event) => this.choose(/** @type {CustomEvent<string>} */ (event).detail));
    root.addEventListener("graph:cut", (event) => {
      const { from, to } = /** @type {CustomEvent<{from: string, to: string}>} */ (event).detail;
      this.#toggle(from, to);
    });
  }

  disconnectedCallback() {
    this.forget();
    this.scene?.camera.watcher.disconnect();
  }

  /** Edit this draft; without assignees it is only shown. @param {PlanDraft} draft @param {About["assignees"] | null} assignees */
  begin(draft, assignees) {
    this.draft = draft;
    this.assignees = assignees;
    this.fitted = "";
    if (this.side) this.side.disabled = !assignees;
    this.classList.toggle("is-fixed", !assignees);
    this.choose("");
    this.#say();
  }

  get isOpen() {
    return !this.closest("[hidden]");
  }

  /** What a new subtask comes after: the chosen one. */
  get onward() {
    return this.chosen ? [this.chosen] : [];
  }

  /** Draw the draft as it is now. */
  draw() {
    const { draft, scene } = this;
    if (!draft || !scene || !this.isOpen) return;
    const nodes = draft.items.map(({ key, depends_on: needs }) => ({ id: key, needs }));
    const shape = JSON.stringify(nodes);
    if (shape !== this.shape) this.layout = layout(nodes, { before: this.layout });
    this.shape = shape;
    if (!this.layout) return;
    const names = new Map(draft.items.map((item) => [item.key, nameOf(item)]));
    const facts = draft.items.map((item, n) => {
      const after = item.depends_on.map((key) => names.get(key)).filter(Boolean).join(", ");
      return {
        id: item.key,
        state: "draft",
        sign: String(n + 1),
        title: nameOf(item),
        who: assigneeOf(item),
        meta: "",
        leads: false,
        more: after && fill(gettext("After: %(titles)s"), { titles: after }),
        gate: false,
        port: this.assignees !== null,
      };
    });
    scene.draw(facts, this.layout, () => "idle");
    if (!draft.item(this.chosen)) this.choose("");
    else this.#drawRow();
    this.#fit();
  }

  /** Choose a subtask and show its fields; "": none. While a line is drawn, it ends there. @param {string} key */
  choose(key) {
    if (this.from && key) return this.#toggle(this.from, key);
    this.chosen = this.draft?.item(key) ? key : "";
    this.scene?.choose(this.chosen);
    this.#drawRow();
    return undefined;
  }

  /** Choose a subtask and begin to write its title. @param {string} key */
  edit(key) {
    this.choose(key);
    this.scene?.show(key);
    this.row?.focus();
  }

  /** @param {string} key @param {string} field @param {string} message */
  fault(key, field, message) {
    if (this.chosen !== key) this.choose(key);
    this.row?.fault(field, message);
  }

  #drawRow() {
    const item = this.draft?.item(this.chosen);
    this.classList.toggle("has-card", Boolean(item));
    if (!this.side || !this.draft || !show(this.side, Boolean(item)) || !item) return;
    if (!this.row) {
      this.row = new PlanRow(this.draft, this.assignees ?? []);
      this.list?.replaceChildren(this.row.node);
    }
    this.row.draw(item);
  }

  /** Show all of it, unless somebody has moved it. */
  #fit() {
    const { scene } = this;
    if (!scene?.camera.size.width || this.fitted === "hand") return;
    const { width, height } = scene.camera.size;
    const now = `${this.shape} ${width} ${height}`;
    if (now === this.fitted) return;
    this.fitted = now;
    scene.camera.read(this.layout?.places.get(this.chosen));
  }

  /** Let `to` wait for `from`, or no longer. @param {string} from @param {string} to */
  #toggle(from, to) {
    const { draft } = this;
    if (!draft || !this.assignees) return;
    const values = { from: nameOf(draft.item(from)), to: nameOf(draft.item(to)) };
    if (draft.item(to)?.depends_on.includes(from)) {
      draft.disconnect(from, to);
      this.#say(fill(gettext("“%(to)s” no longer waits for “%(from)s”."), values));
    } else {
      const circle = draft.connect(from, to);
      if (circle.length) this.#say(circleWords(draft, circle), true);
      else this.#say(fill(gettext("“%(to)s” now waits for “%(from)s”."), values));
    }
    this.#aim("");
  }

  /** Begin or end to draw a line by keyboard. @param {string} from */
  #aim(from) {
    this.from = from;
    this.classList.toggle("is-aiming", from !== "");
    for (const [key, mark] of this.scene?.marks ?? []) mark.root.classList.toggle("is-from", key === from);
  }

  /** @param {string} [words] @param {boolean} [wrong] */
  #say(words = "", wrong = false) {
    if (!this.told) return;
    const hand = matchMedia("(pointer: coarse)").matches
      ? gettext("Drag from a dot to what is to wait.")
      : gettext("Drag from a dot to what is to wait. Keys: C connects, N adds, Delete removes.");
    const usual = this.assignees ? hand : "";
    this.told.classList.toggle("is-wrong", wrong);
    text(this.told, words || usual);
  }

  /** The subtask that has the keyboard; "" when none has it, or nothing may be changed. */
  get #here() {
    const node = document.activeElement?.closest(".graph-node");
    return this.assignees && node instanceof SVGElement && this.contains(node) ? (node.dataset.id ?? "") : "";
  }

  /** Begin to draw a line by keyboard. */
  #connect() {
    const key = this.#here;
    const words = gettext("Arrows choose what is to wait for “%(title)s”, Enter connects or disconnects, Escape leaves.");
    this.#aim(key);
    this.#say(fill(words, { title: nameOf(this.draft?.item(key)) }));
  }

  /** Add a subtask after the one that has the keyboard, and begin to write its title. */
  #add() {
    const key = this.draft?.add(this.assignees?.[0]?.value ?? "", [this.#here]);
    if (key) this.edit(key);
  }

  /** Remove the subtask that has the keyboard; the one beside it gets that. */
  #remove() {
    const { draft, scene } = this;
    if (!draft || !scene) return;
    const key = this.#here;
    const index = draft.items.findIndex((item) => item.key === key);
    draft.remove(key);
    const next = draft.items[Math.min(index, draft.items.length - 1)];
    if (next) scene.focus(next.key);
  }

  /** Leave off what was begun, or what is chosen. @param {KeyboardEvent} event */
  #escape(event) {
    if (event.key !== "Escape" || !(this.from || this.chosen)) return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.from) this.choose("");
    this.#aim("");
    this.#say();
  }

  /** The subtask from whose dot a press begins to draw; "" when it does not. @param {Event} event */
  #portAt(event) {
    const target = event.target instanceof Element ? event.target : null;
    const node = target?.matches(".graph-port, .graph-port-room") ? target.closest(".graph-node") : null;
    return node instanceof SVGElement ? (node.dataset.id ?? "") : "";
  }

  /** Draw a line with the pointer. @param {PointerEvent} event */
  #draw(event) {
    const from = this.#portAt(event);
    const { scene, line } = this;
    const start = this.layout?.places.get(from);
    if (!start || !scene || !line || !this.draft || event.button !== 0) return;
    event.preventDefault();
    const { root, camera } = scene;
    const over = (/** @type {PointerEvent} */ at) => {
      const node = document.elementFromPoint(at.clientX, at.clientY)?.closest(".graph-node");
      return node instanceof SVGElement && root.contains(node) ? (node.dataset.id ?? "") : "";
    };
    const mark = (/** @type {string} */ to) => {
      for (const [key, { root: node }] of scene.marks) node.classList.toggle("is-target", key === to && key !== from);
    };
    const move = (/** @type {PointerEvent} */ at) => {
      mark(over(at));
      line.setAttribute("d", edgePath([{ x: start.x + start.width, y: start.y + start.height / 2 }, camera.point(at)]));
    };
    const end = (/** @type {PointerEvent} */ at) => {
      stop.abort();
      line.removeAttribute("d");
      mark("");
      const to = at.type === "pointerup" ? over(at) : "";
      if (to && to !== from) this.#toggle(from, to);
    };
    const stop = new AbortController();
    root.setPointerCapture(event.pointerId);
    root.addEventListener("pointermove", move, { signal: stop.signal });
    root.addEventListener("pointerup", end, { signal: stop.signal });
    root.addEventListener("pointercancel", end, { signal: stop.signal });
  }
}

customElements.define("plan-graph", PlanGraph);
