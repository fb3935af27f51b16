/** <time-ago>: wraps a <time datetime>, says how long ago it was, and keeps saying it. */

import { find, text } from "../lib/dom.js";
import { ago } from "../lib/time.js";

class TimeAgo extends HTMLElement {
  connectedCallback() {
    this.time = find(this, "time", HTMLTimeElement);
    this.time.title = new Date(this.time.dateTime).toLocaleString();
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
