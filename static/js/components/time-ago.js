/** <time-ago>: wraps a <time datetime>, says how long ago it was, and keeps saying it. */

import { find, text } from "../lib/dom.js";
import { Ticking } from "../lib/ticking.js";
import { ago, moment } from "../lib/time.js";

/** Of another moment it is another element, by its key (lib/morph.js). */
class TimeAgo extends Ticking {
  static every = 20_000;

  draw() {
    const time = find(this, "time", HTMLTimeElement);
    time.title = moment(time.dateTime);
    text(time, ago(time.dateTime));
  }
}

customElements.define("time-ago", TimeAgo);
