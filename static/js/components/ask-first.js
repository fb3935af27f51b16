/** <ask-first question="…">: the button inside must be pressed twice, the second time within four seconds. */

import { around } from "../lib/dom.js";

class AskFirst extends HTMLElement {
  armed = false;

  connectedCallback() {
    this.addEventListener("click", this, { capture: true });
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    this.removeEventListener("click", this, { capture: true });
  }

  /** @param {Event} event */
  handleEvent(event) {
    const button = around(event, "button");
    if (!button || this.armed) return;
    event.preventDefault();
    event.stopPropagation();
    this.armed = true;
    const { width } = button.getBoundingClientRect();
    const words = [...button.childNodes];
    button.style.setProperty("min-inline-size", `${width}px`);
    button.replaceChildren(this.getAttribute("question") ?? "");
    button.classList.add("is-asking");
    this.timer = setTimeout(() => {
      this.armed = false;
      button.replaceChildren(...words);
      button.classList.remove("is-asking");
    }, 4_000);
  }
}

customElements.define("ask-first", AskFirst);
