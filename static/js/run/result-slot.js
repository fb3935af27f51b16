/**
 * Shows Markdown that the server has rendered and sanitised; fetched when it comes into view, once per result.
 *
 * @import { About } from "../types.d.ts"
 */

import { h } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { asRefused, fragment } from "../lib/http.js";

export class ResultSlot {
  /** @type {string | null} */
  #shown = null;

  /**
   * `box` is filled from `url`, where there is one; without a server by `rendered`, which knows some texts.
   * @param {HTMLElement} box @param {string} url @param {About["rendered"]} [rendered]
   */
  constructor(box, url, rendered) {
    this.box = box;
    this.rendered = rendered;
    this.url = url;
    box.hidden = true;
    this.watcher = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.#load();
    }, { rootMargin: "600px" });
  }

  /** Show this result (its Markdown stands in until the server's HTML is there). @param {string} markdown */
  show(markdown) {
    if (this.#shown === markdown) return;
    this.#shown = markdown;
    this.box.hidden = false;
    const rendered = this.url ? null : this.rendered?.(markdown);
    this.box.replaceChildren(rendered ?? h("p", { class: "plain" }, this.url ? markdown.slice(0, 20_000) : markdown));
    if (this.url) this.watcher.observe(this.box);
  }

  /** Show nothing: the result counts no longer. */
  clear() {
    if (this.#shown === null) return;
    this.#shown = null;
    this.watcher.unobserve(this.box);
    this.box.hidden = true;
    this.box.replaceChildren();
  }

  async #load() {
    const wanted = this.#shown;
    this.watcher.unobserve(this.box);
    try {
      const html = await fragment(this.url);
      // The one place that parses HTML: our server made it, through the sanitiser.
      if (wanted === this.#shown) this.box.innerHTML = html;
    } catch (refused) {
      const again = h("button", { type: "button", class: "link", onclick: () => this.#load() }, gettext("Try again"));
      this.box.append(h("p", { class: "muted" }, asRefused(refused).message, " ", again));
    }
  }
}
