/** <run-budget>: which cap stopped the run, and the form by which a person raises it and has the rest taken up again. */

import { show, text } from "../lib/dom.js";
import { post } from "../lib/http.js";
import { reasonWords } from "./reasons.js";
import { runEnded } from "./reducer.js";

/** The field's number; null when it is empty. */
const numberIn = (field) => (field.value.trim() === "" ? null : Number(field.value));

class RunBudget extends HTMLElement {
  connectedCallback() {
    this.why = this.querySelector("[data-ref=why]");
    this.fault = this.querySelector("[data-ref=fault]");
    this.form = this.querySelector("form");
    this.form?.addEventListener("submit", (event) => this.#send(event));
  }

  draw(view) {
    const stopped = Boolean(view.stopReason) && runEnded(view.status) && view.status !== "cancelled";
    if (!show(this, stopped)) {
      this.filled = false;
      return;
    }
    text(this.why, reasonWords(view.stopReason));
    if (!this.form || this.filled) return;
    this.filled = true;
    const { tokens, cost } = view.caps ?? this.about.caps;
    this.form.elements.max_tokens.value = tokens ?? "";
    this.form.elements.max_cost_usd.value = cost ?? "";
  }

  async #send(event) {
    event.preventDefault();
    const { max_tokens: tokens, max_cost_usd: cost } = this.form.elements;
    const button = this.form.querySelector("button");
    button.disabled = true;
    show(this.fault, false);
    try {
      const caps = { max_tokens: numberIn(tokens), max_cost_usd: numberIn(cost) };
      await post(this.about.urls.budget, { ...caps, resume: true });
    } catch (refused) {
      text(this.fault, Object.values(refused.fields).flat().join(" ") || refused.message);
      show(this.fault, true);
    } finally {
      button.disabled = false;
    }
  }
}

customElements.define("run-budget", RunBudget);
