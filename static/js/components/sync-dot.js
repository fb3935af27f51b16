/** <sync-dot>: a quiet word on whether changes of states come by themselves; its title says what that means. */

import { h, text } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";

/** @import { Standing } from "../sync/types.d.ts" */

/** @type {Record<Standing, [string, string]>} */
const WORDS = {
  connecting: [gettext("Connecting"), gettext("The page is opening its connection to the states.")],
  live: [gettext("Live"), gettext("Each change arrives as it is written, in order and without a gap.")],
  lost: [gettext("Reconnecting"), gettext("The connection broke. What is written meanwhile will be shown, from the point where it broke.")],
  absent: [gettext("Asking"), gettext("No connection to the states can be opened; the page asks the server for changes instead.")],
  refused: [gettext("Closed"), gettext("You may not read this any more.")],
};

export class SyncDot extends HTMLElement {
  word = h("span");

  connectedCallback() {
    if (this.firstChild) return;
    this.replaceChildren(h("span", { class: "live-dot-mark", "aria-hidden": "true" }), this.word);
    this.tell("connecting");
  }

  /** How the socket stands (`sync/socket.js`). @param {Standing} state */
  tell(state) {
    const [word, meaning] = WORDS[state];
    this.dataset.state = state;
    this.title = meaning;
    text(this.word, word);
  }
}

customElements.define("sync-dot", SyncDot);
