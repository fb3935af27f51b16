/**
 * <run-graph>: the run as a graph of its subtasks: how each stands, who is at it and what waits for what. It follows the
 * work until somebody moves it by hand; whatever is chosen here is chosen in the other views too.
 */

/** @import { About, View } from "../types.d.ts" */
/** @import { FieldName, Focus } from "./focus.js" */
/** @import { GraphNode } from "./graph-model.js" */
/** @import { Layout, Slot } from "./graph-layout.js" */
/** @import { RunStore } from "./store.js" */

import { h, icon } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { GraphCard } from "./graph-card.js";
import { layout } from "./graph-layout.js";
import { edgeState, graphOf, STATE_WORDS, underWay } from "./graph-model.js";
import { GraphScene } from "./graph-scene.js";
import { runEnded } from "./reducer.js";
import { assigneeOf, titleOf } from "./words.js";

const STEP = 1.25;

/** What a node is called. @param {GraphNode} node */
function titleOfNode({ id, subtask, item }) {
  if (subtask) return titleOf(subtask);
  return item?.title ?? (id === "summary" ? titleOf({ title: "Sum up the results" }) : gettext("Everyone has answered"));
}

class RunGraph extends HTMLElement {
  /** Given by <stars-run>. @type {About} */
  about = /** @type {About} */ ({});
  /** Likewise. @type {Focus} */
  viewing = /** @type {Focus} */ (/** @type {unknown} */ (null));
  /** @type {GraphNode[]} */
  nodes = [];
  /** Where things stood, so that they stay there. @type {Map<string, Slot>} */
  slots = new Map();
  shape = "";
  /** How often it was laid out. */
  version = 0;
  /** @type {Layout | null} */
  layout = null;
  /** What the sight goes by: the work, all there is, or whoever moves it by hand. @type {"work" | "all" | "hand"} */
  by = "work";
  /** The node that is chosen, its id. */
  chosen = "";
  /** What was looked at last: nothing moves while it stays the same. */
  at = "";
  forget = () => {};

  connectedCallback() {
    this.scene = new GraphScene(gettext("The subtasks and what waits for what"), {
      byHand: () => this.#goBy("hand"),
      resized: () => {
        this.at = "";
        this.#look();
      },
    });
    const button = (/** @type {string} */ name, /** @type {string} */ label, /** @type {() => void} */ onclick) =>
      h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick }, icon(name));
    const { camera } = this.scene;
    const fit = () => this.#goBy("all");
    const follow = () => this.#goBy(this.by === "work" ? "hand" : "work");
    this.followButton = h(
      "button",
      { type: "button", class: "button button-small graph-follow", "aria-pressed": "true", onclick: follow },
      icon("target"),
      gettext("Follow the work"),
    );
    const tools = h(
      "div",
      { class: "graph-tools", role: "toolbar", "aria-label": gettext("Graph") },
      this.followButton,
      button("minus", gettext("Smaller"), () => camera.zoom(1 / STEP)),
      button("plus", gettext("Larger"), () => camera.zoom(STEP)),
      button("fit", gettext("Show all"), fit),
    );
    this.card = new GraphCard(this, () => this.#pick(""));
    this.empty = h("p", { class: "graph-empty" }, gettext("The graph appears as soon as there is something to do."));
    const hint = h("p", { class: "graph-hint", "aria-hidden": "true" }, gettext("Drag to move, Ctrl + wheel to zoom"));
    const pane = h("div", { class: "graph-pane" }, this.scene.root, this.empty, hint);
    this.replaceChildren(tools, pane, this.card.root);
    this.addEventListener("graph:pick", (event) => this.#pick(/** @type {CustomEvent<string>} */ (event).detail));
    const section = gettext("Graph");
    const when = () => Boolean(this.scene?.camera.size.width) && !document.activeElement?.closest("run-log");
    this.forget = keys.add(
      { section, keys: ["+", "="], text: gettext("Larger"), run: () => camera.zoom(STEP), when },
      { section, keys: "-", text: gettext("Smaller"), run: () => camera.zoom(1 / STEP), when },
      { section, keys: "0", text: gettext("Show all"), run: fit, when },
      { section, keys: "f", text: gettext("Follow the work"), run: follow, when },
      { section, keys: ["arrowleft", "arrowright", "arrowup", "arrowdown"], text: gettext("From one subtask to another"), when },
      { section, keys: "enter", text: gettext("What it is about"), when },
    );
  }

  disconnectedCallback() {
    this.forget();
    this.scene?.camera.watcher.disconnect();
  }

  /** @param {View} view @param {View | null} before @param {RunStore} store */
  draw(view, before, store) {
    if (before && ["subtasks", "plan", "status", "votes", "mode"].every((name) => Reflect.get(view, name) === Reflect.get(before, name))) return;
    this.nodes = graphOf(view);
    this.#place(store);
    if (!this.layout || !this.scene || !this.empty) return;
    this.empty.hidden = this.nodes.length > 0;
    const states = new Map(this.nodes.map(({ id, state }) => [id, state]));
    const titles = new Map(this.nodes.map((node) => [node.id, titleOfNode(node)]));
    this.titles = titles;
    const facts = this.nodes.map((node) => {
      const { id, kind, state, subtask, item } = node;
      const who = subtask ? whoOf(subtask) : item ? assigneeOf(item) : "";
      const tries = subtask && subtask.attempt > 1 ? `${subtask.attempt}/${subtask.maxAttempts}` : "";
      const after = node.needs.map((need) => titles.get(need) ?? need).join(", ");
      const words = [STATE_WORDS[state], tries && fill(gettext("attempt %(n)s"), { n: tries }), after && fill(gettext("After: %(titles)s"), { titles: after })];
      return {
        id,
        state,
        title: titles.get(id) ?? id,
        who,
        meta: tries,
        leads: kind === "plan" || kind === "summary",
        more: words.filter(Boolean).join(". "),
        gate: kind === "gate",
      };
    });
    this.scene.draw(facts, this.layout, ({ from, to }) => edgeState(states.get(from) ?? "ahead", states.get(to) ?? "ahead"));
    const rests = runEnded(view.status) || store.at !== null;
    if (this.followButton) this.followButton.hidden = rests;
    this.#mark();
    this.#look();
  }

  /** @param {View} view @param {number} at */
  tick(view, at) {
    this.card?.tick(at);
  }

  /** @param {Focus} focus @param {ReadonlySet<FieldName>} changed */
  follow(focus, changed) {
    if (!changed.has("subtask") || !this.scene) return;
    const node = this.nodes.find(({ subtask }) => subtask && subtask.id === focus.subtask);
    this.chosen = node?.id ?? "";
    this.#mark();
    this.#look();
  }

  /** Lay out anew what has another shape; while a long log is still being read nothing has its place yet. @param {RunStore} store */
  #place(store) {
    const shape = JSON.stringify(this.nodes.map(({ id, needs }) => [id, needs]));
    if (shape === this.shape && this.layout) return;
    this.shape = shape;
    const settled = this.slots.size > 0 && store.caughtUp;
    this.layout = layout(this.nodes, { before: settled ? { slots: this.slots } : null });
    if (!settled) this.slots.clear();
    // A plan that stands alone has no place that matters yet.
    if (this.nodes.some(({ kind }) => kind !== "plan")) for (const [name, slot] of this.layout.slots) this.slots.set(name, slot);
    this.version += 1;
  }

  /** Show in the graph and in the card what is chosen. */
  #mark() {
    if (!this.chosen && this.viewing.subtask) {
      this.chosen = this.nodes.find(({ subtask }) => subtask?.id === this.viewing.subtask)?.id ?? "";
    }
    const node = this.nodes.find(({ id }) => id === this.chosen) ?? null;
    this.scene?.choose(node?.id ?? "");
    this.card?.draw(node, node ? node.needs.filter((id) => id !== "gate").map((id) => this.titles?.get(id) ?? id) : []);
    this.classList.toggle("has-card", Boolean(node) && node?.kind !== "gate");
  }

  /** @param {string} id */
  #pick(id) {
    const subtask = this.nodes.find((node) => node.id === id)?.subtask;
    this.chosen = id;
    this.viewing.pick(subtask ? { subtask: subtask.id, agent: subtask.agentId } : {});
    this.#mark();
    this.#look();
  }

  /** @param {"work" | "all" | "hand"} what */
  #goBy(what) {
    this.by = what;
    this.followButton?.setAttribute("aria-pressed", String(what === "work"));
    this.at = "";
    this.#look();
  }

  /** Go where the work is, or to what is chosen; nowhere while that is in sight. */
  #look() {
    const { scene, layout: places } = this;
    if (!places || !scene?.camera.size.width) return;
    const id = this.chosen || (this.by === "work" && underWay(this.nodes)?.id) || "";
    const at = `${id} ${this.version}`;
    if (at === this.at) return;
    this.at = at;
    if (this.by === "work") scene.camera.read(places.places.get(id));
    else if (this.by === "all") scene.camera.fit();
    else scene.show(id);
  }
}

/** Who is at it, by whom it was handed over. @param {import("../types.d.ts").Subtask} subtask */
function whoOf(subtask) {
  const now = subtask.agentId || assigneeOf(subtask);
  const from = subtask.handovers.at(-1)?.from;
  return from && from !== now ? `${from} → ${now}` : now;
}

customElements.define("run-graph", RunGraph);
