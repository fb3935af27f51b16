/** <beat-age datetime late>: how long ago that was, to the second; marked once it is `late` seconds or more. */

import { text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { Ticking } from "../lib/ticking.js";
import { ago, moment, now } from "../lib/time.js";

class BeatAge extends Ticking {
  static observedAttributes = ["datetime"];

  draw() {
    const at = this.getAttribute("datetime") ?? "";
    const seconds = Math.max(0, Math.floor((now() - Date.parse(at)) / 1000));
    text(this, seconds < 120 ? fill(gettext("%(n)s s ago"), { n: seconds }) : ago(at));
    this.title = moment(at);
    this.classList.toggle("is-late", this.hasAttribute("late") && seconds >= Number(this.getAttribute("late")));
  }
}

customElements.define("beat-age", BeatAge);
