/** <member-load agent>: how many subtasks an agent is at over all groups, in words. */

import { text } from "../lib/dom.js";
import { facts } from "./facts.js";
import { loadWords } from "./words.js";

class MemberLoad extends HTMLElement {
  #draw = () => this.#show();

  connectedCallback() {
    facts.addEventListener("change", this.#draw);
    this.#show();
  }

  disconnectedCallback() {
    facts.removeEventListener("change", this.#draw);
  }

  #show() {
    const member = facts.sky?.members.get(this.getAttribute("agent") ?? "");
    if (member) text(this, loadWords(member));
  }
}

customElements.define("member-load", MemberLoad);
