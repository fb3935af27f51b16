/**
 * <run-budget>: which cap stopped the run, and the form by which a person raises it and has the rest taken up again.
 *
 * @import { About, View } from "../types.d.ts"
 */

import { field, find, ref, show, text } from "../lib/dom.js";
import { post, refusalWords } from "../lib/http.js";
import { reasonWords } from "./reasons.js";
import { runEnded } from "./reducer.js";

/** The field's number; null when it is empty. @param {HTMLInputElement} input */
const numberIn = (input) => (input.value.trim() === "" ? null : Number(input.value));

class RunBudget extends HTMLElement {
  /** @type {About} */
  about;
  filled = false;

  connectedCallback() {
    this.form = this.querySelector("form");
    this.form?.addEventListener("submit", (event) => this.#send(event));
  }

  /** @param {View} view */
  draw(view) {
    const stopped = Boolean(view.stopReason) && runEnded(view.status) && view.status !== "cancelled";
    if (!show(this, stopped)) {
      this.filled = false;
      return;
    }
    text(ref(this, "why"), reasonWords(view.stopReason));
    if (!this.form || this.filled) return;
    this.filled = true;
    const { tokens, cost } = view.caps ?? this.about.caps;
    field(this.form, "max_tokens").value = String(tokens ?? "");
    field(this.form, "max_cost_usd").value = String(cost ?? "");
  }

  /** @param {Event} event */
  async #send(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const button = find(form, "button", HTMLButtonElement);
    const fault = ref(this, "fault");
    button.disabled = true;
    show(fault, false);
    try {
      const caps = { max_tokens: numberIn(field(form, "max_tokens")), max_cost_usd: numberIn(field(form, "max_cost_usd")) };
      await post(this.about.urls.budget, { ...caps, resume: true });
    } catch (refused) {
      text(fault, refusalWords(refused));
      show(fault, true);
    } finally {
      button.disabled = false;
    }
  }
}

customElements.define("run-budget", RunBudget);
