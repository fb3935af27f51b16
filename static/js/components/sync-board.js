/**
 * <sync-board src>: connections and pushes, brought up to date upon pokes, at most once a second, and now and then
 * without: who confirms what, nobody pokes. Only what differs is drawn anew.
 */

import "./beat-age.js";
import { find, show } from "../lib/dom.js";
import { changed } from "../lib/http.js";
import { morph } from "../lib/morph.js";
import { throttled } from "../sync/pace.js";

const AT_MOST = 1_000;
const AT_LEAST = 3_000;

class SyncBoard extends HTMLElement {
  renew = throttled(() => this.#renew(), AT_MOST);
  timer = 0;
  asking = false;
  seen = "";

  connectedCallback() {
    this.timer = window.setInterval(this.renew, AT_LEAST);
    for (const name of ["stars:poke:states", "stars:resync"]) document.body.addEventListener(name, this.renew);
    document.addEventListener("visibilitychange", this.renew);
    this.renew();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    this.renew.stop();
    for (const name of ["stars:poke:states", "stars:resync"]) document.body.removeEventListener(name, this.renew);
    document.removeEventListener("visibilitychange", this.renew);
  }

  async #renew() {
    if (document.hidden || this.asking) return;
    this.asking = true;
    let stale = false;
    try {
      const answer = await changed(this.getAttribute("src") ?? "", this.seen);
      if (answer && this.isConnected) {
        this.seen = answer.seen;
        morph(find(this, "[data-content]"), answer.html);
      }
    } catch {
      stale = true;
    }
    show(find(this, "[data-stale]"), stale);
    this.asking = false;
  }
}

customElements.define("sync-board", SyncBoard);
