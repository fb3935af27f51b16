/** <theme-toggle>: cycles system, light, dark; `t` does the same. */

import { find, icon } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { THEME_ICONS, THEME_WORDS, nextTheme, theme } from "../lib/theme.js";

class ThemeToggle extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this);
    document.addEventListener("stars:theme", this);
    this.forget = keys.add({
      section: gettext("Everywhere"), keys: "t", text: gettext("Next colours: system, light, dark"), run: nextTheme,
    });
    this.#draw();
  }

  disconnectedCallback() {
    this.removeEventListener("click", this);
    document.removeEventListener("stars:theme", this);
    this.forget?.();
  }

  /** @param {Event} event */
  handleEvent(event) {
    if (event.type === "click") nextTheme();
    else this.#draw();
  }

  #draw() {
    const button = find(this, "button");
    const label = fill(gettext("Colours: %(theme)s"), { theme: THEME_WORDS[theme()] });
    button.replaceChildren(icon(THEME_ICONS[theme()]));
    button.setAttribute("aria-label", label);
    button.title = label;
  }
}

customElements.define("theme-toggle", ThemeToggle);
