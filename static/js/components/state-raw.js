/**
 * <state-raw>: the document as text, kept up to date with the page.
 *
 * @import { Known } from "../sync/types.d.ts"
 */

import { find, text } from "../lib/dom.js";

class StateRaw extends HTMLElement {
  fold = find(this, "details", HTMLDetailsElement);
  page = this.closest("state-page");
  /** @type {Known | null} */
  #known = null;

  connectedCallback() {
    this.page?.addEventListener("known", this);
    this.fold.addEventListener("toggle", this);
  }

  disconnectedCallback() {
    this.page?.removeEventListener("known", this);
    this.fold.removeEventListener("toggle", this);
  }

  /** A long text is written only while it is looked at. @param {Event} event */
  handleEvent(event) {
    if (event.type === "known") this.#known = /** @type {CustomEvent<Known>} */ (event).detail;
    if (this.#known && this.fold.open) text(find(this, "[data-text]"), this.#known.text);
  }
}

customElements.define("state-raw", StateRaw);
