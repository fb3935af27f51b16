/** <live-banner>: says so when the live connection has been lost for three seconds, and offers to try at once. */

import { h, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { live } from "../live.js";

const PATIENCE = 3_000;

class LiveBanner extends HTMLElement {
  connectedCallback() {
    this.hidden = true;
    this.sentence = h("p", { role: "status" });
    this.button = h("button", { type: "button", class: "button button-small", onclick: () => live.connect() });
    text(this.button, gettext("Try now"));
    this.replaceChildren(this.sentence, this.button);
    this.draw = () => this.#draw();
    document.addEventListener("stars:live", this.draw);
    this.timer = setInterval(this.draw, 1_000);
  }

  disconnectedCallback() {
    document.removeEventListener("stars:live", this.draw);
    clearInterval(this.timer);
  }

  #draw() {
    const { state, since, retryAt } = live.state;
    const shown = state === "refused" || (state === "lost" && Date.now() - since >= PATIENCE);
    this.hidden = !shown;
    if (!shown) return;
    this.button.hidden = state === "refused";
    if (state === "refused") {
      text(this.sentence, gettext("This page is no longer live. Reload it to sign in again."));
      return;
    }
    const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
    const when = retryAt && seconds ? fill(gettext("Trying again in %(n)s s."), { n: seconds }) : gettext("Trying now…");
    text(this.sentence, `${gettext("The live connection is lost; nothing that happens meanwhile is.")} ${when}`);
  }
}

customElements.define("live-banner", LiveBanner);
