/**
 * <state-page state src seen>: knows what a state's page shows, and asks for more when a poke tells of that state.
 *
 * Its parts hear `known` on it: {version, uid, text, by, blame}. After a change, `stars:state` bubbles up as well, for
 * the parts that the server draws.
 */

import { get } from "../lib/http.js";

class StatePage extends HTMLElement {
  connectedCallback() {
    document.body.addEventListener("stars:poke:states", this);
    document.body.addEventListener("stars:resync", this);
    // Who wrote what is worth a request of its own: the page need not wait for it.
    this.#ask("");
  }

  disconnectedCallback() {
    document.body.removeEventListener("stars:poke:states", this);
    document.body.removeEventListener("stars:resync", this);
  }

  handleEvent({ detail }) {
    const states = detail?.states;
    if (!states?.length || states.includes(this.getAttribute("state"))) this.#ask(this.getAttribute("seen"));
  }

  /** One request at a time; pokes that come meanwhile are answered by one more. */
  async #ask(seen) {
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = true;
    try {
      const known = await get(`${this.getAttribute("src")}?seen=${encodeURIComponent(seen)}`);
      if (known) this.#tell(known);
    } catch {
      // Gone, or not for us any more, or the server is away: the head's own request says which.
      this.dispatchEvent(new CustomEvent("stars:state", { bubbles: true }));
    }
    this.asking = false;
    if (this.again) {
      this.again = false;
      this.#ask(this.getAttribute("seen"));
    }
  }

  #tell(known) {
    const changed = known.seen !== this.getAttribute("seen");
    this.setAttribute("seen", known.seen);
    this.dispatchEvent(new CustomEvent("known", { detail: known }));
    if (changed) this.dispatchEvent(new CustomEvent("stars:state", { bubbles: true, detail: known }));
  }
}

customElements.define("state-page", StatePage);
