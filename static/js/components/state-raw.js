/** <state-raw>: the document as text, kept up to date with the page. */

import { text } from "../lib/dom.js";

class StateRaw extends HTMLElement {
  connectedCallback() {
    this.page = this.closest("state-page");
    this.fold = this.querySelector("details");
    this.page?.addEventListener("known", this);
    this.opened = () => this.#draw();
    this.fold.addEventListener("toggle", this.opened);
  }

  disconnectedCallback() {
    this.page?.removeEventListener("known", this);
    this.fold.removeEventListener("toggle", this.opened);
  }

  handleEvent({ detail }) {
    this.detail = detail;
    this.#draw();
  }

  /** A long text is written only while it is looked at. */
  #draw() {
    if (this.detail && this.fold.open) text(this.querySelector("[data-text]"), this.detail.text);
  }
}

customElements.define("state-raw", StateRaw);
