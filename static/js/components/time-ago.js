/** <time-ago>: wraps a <time datetime>, says how long ago it was, and keeps saying it. */

import { find, text } from "../lib/dom.js";
import { ago, moment } from "../lib/time.js";

class TimeAgo extends HTMLElement {
  /** What it says is its own (lib/morph.js); of another moment it is another element, by its key. */
  static ownsContent = true;

  connectedCallback() {
    this.time = find(this, "time", HTMLTimeElement);
    this.time.title = moment(this.time.dateTime);
    this.#draw();
    this.timer = setInterval(() => this.#draw(), 20_000);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  #draw() {
    if (this.time) text(this.time, ago(this.time.dateTime));
  }
}

customElements.define("time-ago", TimeAgo);
