/** <theme-choice>: the themes side by side, one chosen. */

import { h, icon } from "../lib/dom.js";
import { THEMES, THEME_ICONS, THEME_WORDS, setTheme, theme } from "../lib/theme.js";

class ThemeChoice extends HTMLElement {
  connectedCallback() {
    document.addEventListener("stars:theme", this);
    this.replaceChildren(
      ...THEMES.map((each) =>
        h(
          "label",
          { class: "theme-card", "data-theme-card": each },
          h("input", { type: "radio", name: "theme", value: each, checked: theme() === each, onchange: () => setTheme(each) }),
          icon(THEME_ICONS[each]),
          h("span", {}, THEME_WORDS[each]),
        ),
      ),
    );
  }

  disconnectedCallback() {
    document.removeEventListener("stars:theme", this);
  }

  handleEvent() {
    for (const input of this.querySelectorAll("input")) input.checked = input.value === theme();
  }
}

customElements.define("theme-choice", ThemeChoice);
