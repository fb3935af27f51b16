/** <copy-text>: a button that puts the text of the element's code on the clipboard, or marks it where that is not allowed. */

import { around, find } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { notify } from "../lib/notices.js";

class CopyText extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this);
  }

  /** @param {Event} event */
  handleEvent(event) {
    if (around(event, "button")) this.#toClipboard();
  }

  async #toClipboard() {
    const code = find(this, "code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      notify(gettext("It is on the clipboard."), "success");
    } catch {
      // Without https browsers have no clipboard for pages.
      getSelection()?.selectAllChildren(code);
      notify(gettext("It is marked; copy it with the keyboard."), "info");
    }
  }
}

customElements.define("copy-text", CopyText);
