/** <state-raw>: the document as text, kept up to date with the page. */

import { text } from "../lib/dom.js";

class StateRaw extends HTMLElement {
  connectedCallback() {
    this.page = this.closest("state-page");
    this.page?.addEventListener("known", this);
  }

  disconnectedCallback() {
    this.page?.removeEventListener("known", this);
  }

  handleEvent({ detail }) {
    text(this.querySelector("[data-text]"), detail.text);
  }
}

customElements.define("state-raw", StateRaw);
