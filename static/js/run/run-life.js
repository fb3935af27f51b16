/**
 * <run-life>: the age of the newest sign of life of those at work; turns amber when one is overdue. Events are signs of
 * life; while none come, the server is asked when workers last extended their leases.
 *
 * @import { About, Pulse, View } from "../types.d.ts"
 */

import { get } from "../lib/http.js";
import { h, text } from "../lib/dom.js";
import { now } from "../lib/time.js";
import { life } from "./standing.js";

/** Milliseconds between two questions, and of silence before the first. */
const EVERY = 5_000;

class RunLife extends HTMLElement {
  /** @type {About} */
  about;
  /** @type {Pulse | null} */
  pulse = null;
  askedAt = 0;

  connectedCallback() {
    this.words = h("span", {});
    this.replaceChildren(h("span", { class: "life-dot", "aria-hidden": "true" }), this.words);
  }

  /** @param {View} view */
  draw(view) {
    this.tick(view, now());
  }

  /** @param {View} view @param {number} at */
  tick(view, at) {
    const found = life(view, this.pulse, at);
    this.closest("div")?.toggleAttribute("hidden", !found);
    if (!found || !this.words) return;
    this.dataset.tone = found.tone;
    this.title = found.about;
    text(this.words, found.words);
    this.#ask(view, at);
  }

  /** @param {View} view @param {number} at */
  async #ask(view, at) {
    const url = this.about.urls.pulse;
    const silent = at - Date.parse(view.lastAt ?? "") > EVERY;
    const working = Object.values(view.subtasks).some((each) => each.status === "running");
    if (!url || !silent || !working || at - this.askedAt < EVERY) return;
    this.askedAt = at;
    try {
      this.pulse = await get(url);
    } catch {
      // The connection's own dot says that the server is away; what was heard last goes on ageing.
    }
  }
}

customElements.define("run-life", RunLife);
