/** <theme-toggle>: cycles system, light, dark, and remembers the choice in this browser. */

import { find, icon } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";

/** @typedef {"system" | "light" | "dark"} Theme */
/** @type {Theme[]} */
const ORDER = ["system", "light", "dark"];
const WORDS = { system: gettext("as the system"), light: gettext("light"), dark: gettext("dark") };
const ICONS = { system: "contrast", light: "sun", dark: "moon" };

class ThemeToggle extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this);
    this.#draw();
  }

  disconnectedCallback() {
    this.removeEventListener("click", this);
  }

  handleEvent() {
    this.#choose();
  }

  get #theme() {
    return /** @type {Theme} */ (document.documentElement.dataset.theme ?? "system");
  }

  #choose() {
    const next = ORDER[(ORDER.indexOf(this.#theme) + 1) % ORDER.length] ?? "system";
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      if (next === "system") localStorage.removeItem("stars:theme");
      else localStorage.setItem("stars:theme", next);
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
    this.#draw();
  }

  #draw() {
    const button = find(this, "button");
    const label = fill(gettext("Colours: %(theme)s"), { theme: WORDS[this.#theme] });
    button.replaceChildren(icon(ICONS[this.#theme]));
    button.setAttribute("aria-label", label);
    button.title = label;
  }
}

customElements.define("theme-toggle", ThemeToggle);
