/** The small menus of checkboxes behind buttons: which agents, which kinds of events the log shows. */

/** @import { Fields } from "./focus.js" */
/** @import { LogFilter } from "./log-filter.js" */

import { h, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { KINDS } from "./log-filter.js";

/** @type {Record<typeof KINDS[number], string>} */
const KIND_WORDS = {
  all: gettext("Every piece by itself"),
  steps: gettext("Steps"),
  tools: gettext("Tools"),
  texts: gettext("Texts"),
  problems: gettext("Problems"),
};

/** @typedef {{value: string, label: string, count?: number}} Choice */

class LogMenu {
  #summary = h("summary", { class: "log-menu-button" });
  #list = h("div", { class: "log-menu-list" });
  node = h("details", { class: "log-menu" }, this.#summary, this.#list);
  /** @type {Map<string, HTMLInputElement>} */
  #boxes = new Map();
  #key = "";

  /** @param {string} label @param {(chosen: string[]) => void} choose */
  constructor(label, choose) {
    this.label = label;
    this.node.addEventListener("change", () => choose([...this.#boxes].filter(([, box]) => box.checked).map(([value]) => value)));
    this.node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.node.open) return;
      event.preventDefault();
      event.stopPropagation();
      this.node.open = false;
      this.#summary.focus();
    });
    this.node.addEventListener("focusout", (event) => {
      if (event.relatedTarget instanceof Node && !this.node.contains(event.relatedTarget)) this.node.open = false;
    });
    document.addEventListener("pointerdown", (event) => {
      if (!this.node.contains(/** @type {Node} */ (event.target))) this.node.open = false;
    });
  }

  /** Offer these, and show what is chosen. @param {Choice[]} choices @param {string[]} chosen */
  draw(choices, chosen) {
    const key = choices.map(({ value, count }) => `${value}:${count ?? ""}`).join();
    // The counts of a menu that is closed may be of a moment ago.
    if (key !== this.#key && (this.node.open || this.#boxes.size !== choices.length)) {
      this.#key = key;
      for (const choice of choices) this.#offer(choice);
    }
    for (const [value, box] of this.#boxes) box.checked = chosen.includes(value);
    const [first] = chosen;
    const known = choices.find(({ value }) => value === first)?.label ?? first;
    text(this.#summary, chosen.length > 1 ? fill(gettext("%(what)s: %(n)s"), { what: this.label, n: chosen.length }) : (known ?? this.label));
    this.node.classList.toggle("is-chosen", chosen.length > 0);
  }

  /** @param {Choice} choice */
  #offer({ value, label, count }) {
    const words = count === undefined ? "" : count.toLocaleString();
    const known = this.#boxes.get(value);
    if (known) {
      const place = known.parentElement?.querySelector(".count");
      if (place) text(place, words);
      return;
    }
    const box = h("input", { type: "checkbox", value });
    this.#boxes.set(value, box);
    this.#list.append(h("label", { class: "log-menu-choice" }, box, h("span", {}, label), h("span", { class: "count" }, words)));
  }
}

/** The two of them. */
export class LogMenus {
  /** @param {(chosen: {agents: string[]} | {types: string[]}) => void} choose */
  constructor(choose) {
    this.agents = new LogMenu(gettext("Agents"), (agents) => choose({ agents }));
    this.types = new LogMenu(gettext("Events"), (types) => choose({ types }));
  }

  get nodes() {
    return [this.agents.node, this.types.node];
  }

  /** Offer what the log has, and show what is chosen of it. @param {LogFilter} known @param {Pick<Fields, "agents" | "types">} chosen */
  draw(known, { agents, types }) {
    this.agents.draw([...known.agents].map((value) => ({ value, label: value })), agents);
    const kinds = KINDS.map((value) => ({ value, label: KIND_WORDS[value] }));
    const single = [...known.types].map(([value, count]) => ({ value, label: value, count }));
    this.types.draw([...kinds, ...single], types);
  }
}
