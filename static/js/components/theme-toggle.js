/** <theme-toggle>: cycles system, light, dark, and remembers the choice in this browser. */

import { icon } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";

const ORDER = ["system", "light", "dark"];
const WORDS = { system: gettext("as the system"), light: gettext("light"), dark: gettext("dark") };
const ICONS = { system: "contrast", light: "sun", dark: "moon" };

class ThemeToggle extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector("button");
    this.button.addEventListener("click", () => this.#choose());
    this.#draw();
  }

  get #theme() {
    return document.documentElement.dataset.theme ?? "system";
  }

  #choose() {
    const next = ORDER[(ORDER.indexOf(this.#theme) + 1) % ORDER.length];
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
    const label = fill(gettext("Colours: %(theme)s"), { theme: WORDS[this.#theme] });
    this.button.replaceChildren(icon(ICONS[this.#theme]));
    this.button.setAttribute("aria-label", label);
    this.button.title = label;
  }
}

customElements.define("theme-toggle", ThemeToggle);
