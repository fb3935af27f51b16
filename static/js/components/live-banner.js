/** <live-banner>: says so when the live connection has been lost for three seconds, and offers to try at once. */

import { h, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { live } from "../live.js";

const PATIENCE = 3_000;

class LiveBanner extends HTMLElement {
  sentence = h("p", { role: "status" });
  /** Changes each second, which nobody wants to have read out. */
  countdown = h("p", { "aria-hidden": "true" });
  button = h(
    "button",
    { type: "button", class: "button button-small", onclick: () => live.connect() },
    gettext("Try now"),
  );

  connectedCallback() {
    this.hidden = true;
    this.replaceChildren(this.sentence, this.countdown, this.button);
    document.addEventListener("stars:live", this);
    this.timer = setInterval(() => this.#draw(), 1_000);
  }

  disconnectedCallback() {
    document.removeEventListener("stars:live", this);
    clearInterval(this.timer);
  }

  handleEvent() {
    this.#draw();
  }

  #draw() {
    const { state, since, retryAt } = live.state;
    const shown = state === "refused" || (state === "lost" && Date.now() - since >= PATIENCE);
    this.hidden = !shown;
    if (!shown) return;
    this.button.hidden = this.countdown.hidden = state === "refused";
    if (state === "refused") {
      text(this.sentence, gettext("This page is no longer live. Reload it to sign in again."));
      return;
    }
    const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
    const when = retryAt && seconds ? fill(gettext("Trying again in %(n)s s."), { n: seconds }) : gettext("Trying now…");
    text(this.sentence, gettext("The live connection is lost; nothing that happens meanwhile is."));
    text(this.countdown, when);
  }
}

customElements.define("live-banner", LiveBanner);
