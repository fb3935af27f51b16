/** <elapsed-time since>: a running clock of how long something has been under way, to the second. */

import { text } from "../lib/dom.js";
import { clock, now } from "../lib/time.js";

class ElapsedTime extends HTMLElement {
  /** What it says is its own (lib/morph.js). */
  static ownsContent = true;
  static observedAttributes = ["since"];

  connectedCallback() {
    this.#draw();
    this.timer = setInterval(() => this.#draw(), 1_000);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#draw();
  }

  #draw() {
    text(this, clock(now() - Date.parse(this.getAttribute("since") ?? "")));
  }
}

customElements.define("elapsed-time", ElapsedTime);
