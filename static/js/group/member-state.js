/** <member-state agent>: what a member of the group is at, as a badge with a word. */

import { h, icon } from "../lib/dom.js";
import { facts } from "./facts.js";
import { standing } from "./map-state.js";
import { ICONS, standingWords, TONES } from "./words.js";

class MemberState extends HTMLElement {
  /** Server fragments bring it empty; it fills itself (lib/morph.js). */
  static ownsContent = true;
  #draw = () => this.#show();
  #shown = "";

  connectedCallback() {
    facts.addEventListener("change", this.#draw);
    this.#show();
  }

  disconnectedCallback() {
    facts.removeEventListener("change", this.#draw);
  }

  #show() {
    const { sky } = facts;
    const agent = this.getAttribute("agent") ?? "";
    if (!sky?.members.has(agent)) return;
    const at = standing(sky, agent);
    const key = `${at.word} ${at.count}`;
    if (key === this.#shown) return;
    this.#shown = key;
    const name = ICONS[at.word];
    this.replaceChildren(
      h("span", { class: "badge", "data-status": TONES[at.word] }, name ? icon(name) : null, h("span", {}, standingWords(at))),
    );
  }
}

customElements.define("member-state", MemberState);
