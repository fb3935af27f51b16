/** A small menu of checkboxes behind a button: which agents, which kinds of events the log shows. */

import { h, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";

/** @typedef {{value: string, label: string, count?: number}} Choice */

export class LogMenu {
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
