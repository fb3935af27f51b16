/**
 * <run-voice>: says each change of the run's status once, and who waits for an answer, to those who listen to the page.
 *
 * @import { RunStatus, View } from "../types.d.ts"
 */

import { announce } from "../lib/announce.js";
import { fill, gettext } from "../lib/i18n.js";
import { RUN_WORDS } from "./words.js";

class RunVoice extends HTMLElement {
  /** @type {RunStatus | null} */
  #status = null;

  /** @param {View} view @param {View | null} _before @param {{ caughtUp: boolean }} store */
  draw(view, _before, store) {
    // How it stood when the page was opened is read out with the page.
    if (!view.last_seq || !store.caughtUp || this.#status === view.status) return;
    if (this.#status) announce("run", fill(gettext("The run: %(status)s"), { status: RUN_WORDS[view.status] }));
    this.#status = view.status;
  }
}

customElements.define("run-voice", RunVoice);
