/**
 * <fresh-part src seconds>: fetches its content again every so many seconds while the page is looked at.
 *
 * When no answer comes it keeps what it shows, and says so: its `[data-stale]` element stands outside `[data-content]`.
 */

import { find } from "../lib/dom.js";
import { fragment } from "../lib/http.js";

class FreshPart extends HTMLElement {
  asking = false;

  connectedCallback() {
    this.timer = setInterval(() => this.#renew(), 1000 * Number(this.getAttribute("seconds")));
    document.addEventListener("visibilitychange", this);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this);
  }

  handleEvent() {
    this.#renew();
  }

  async #renew() {
    if (document.hidden || this.asking) return;
    this.asking = true;
    let stale = false;
    try {
      const html = await fragment(this.getAttribute("src") ?? "");
      // Whoever reads with the keyboard, or marks a number to copy it, is not disturbed.
      const content = find(this, "[data-content]");
      if (!content.contains(document.activeElement) && !marked(content)) content.innerHTML = html;
    } catch {
      stale = true;
    }
    find(this, "[data-stale]").hidden = !stale;
    this.asking = false;
  }
}

/** Whether some of its text is selected. @param {Element} element */
function marked(element) {
  const selection = document.getSelection();
  return Boolean(selection && !selection.isCollapsed && selection.containsNode(element, true));
}

customElements.define("fresh-part", FreshPart);
