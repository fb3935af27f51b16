/** <elapsed-time since>: a running clock of how long something has been under way, to the second. */

import { text } from "../lib/dom.js";
import { Ticking } from "../lib/ticking.js";
import { clock, now } from "../lib/time.js";

class ElapsedTime extends Ticking {
  static observedAttributes = ["since"];

  draw() {
    text(this, clock(now() - Date.parse(this.getAttribute("since") ?? "")));
  }
}

customElements.define("elapsed-time", ElapsedTime);
