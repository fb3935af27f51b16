/**
 * <live-dot>: a dot and a word on whether the page is live; its title says what that means.
 *
 * @import { LiveState } from "../types.d.ts"
 */

import { h, text } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { live } from "../live.js";

/** @type {Record<LiveState["state"], [word: string, meaning: string]>} */
const WORDS = {
  connecting: [gettext("Connecting"), gettext("The page is opening its live connection.")],
  open: [gettext("Live"), gettext("Every change shows here as it happens; nothing needs reloading.")],
  lost: [
    gettext("Reconnecting"),
    gettext("The connection broke. What happens meanwhile is kept on the server and will be shown."),
  ],
  refused: [gettext("Not live"), gettext("The server refused the live connection. Reload to sign in again.")],
};

class LiveDot extends HTMLElement {
  word = h("span", { class: "live-dot-word" });

  connectedCallback() {
    this.replaceChildren(h("span", { class: "live-dot-mark", "aria-hidden": "true" }), this.word);
    document.addEventListener("stars:live", this);
    this.#draw();
  }

  disconnectedCallback() {
    document.removeEventListener("stars:live", this);
  }

  handleEvent() {
    this.#draw();
  }

  #draw() {
    const { state } = live.state;
    const [word, meaning] = WORDS[state];
    this.dataset.state = state;
    this.title = meaning;
    // While it opens, the word that is likely to follow keeps its room: nothing in the bar moves when it comes.
    text(this.word, state === "connecting" ? WORDS.open[0] : word);
  }
}

customElements.define("live-dot", LiveDot);
