/**
 * <policy-trial action>: what the settings of the form around it would make of two writes that meet, asked anew
 * whenever something is changed. Nothing of it is saved.
 *
 * @typedef {{ outcome: string, words: string, text: string, paths: string[] }} Outcome
 */

import { h, icon, ref, show } from "../lib/dom.js";
import { asRefused, post } from "../lib/http.js";
import { gettext } from "../lib/i18n.js";

/** Milliseconds after the last change. */
const SOON = 400;
/** @type {Record<string, [string, string]>} the mark of each outcome: an icon, and the status that gives its tone */
const MARKS = {
  applied: ["check", "synced"], joined: ["check", "synced"], replaced: ["retry", "open"],
  parked: ["hand", "open"], refused: ["cross", "error"], unchanged: ["minus", "pending"],
};

class PolicyTrial extends HTMLElement {
  form = this.closest("form");
  #asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #later = () => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), SOON);
  };

  connectedCallback() {
    if (!this.form) return;
    show(this, true);
    this.form.addEventListener("input", this.#later);
    this.form.addEventListener("change", this.#later);
    this.#ask();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.form?.removeEventListener("input", this.#later);
    this.form?.removeEventListener("change", this.#later);
  }

  async #ask() {
    if (!this.form) return;
    const asked = ++this.#asked;
    try {
      const outcome = /** @type {Outcome} */ (await post(this.getAttribute("action") ?? "", this.#sent()));
      if (asked === this.#asked) this.#tell(outcome);
    } catch (error) {
      if (asked === this.#asked) this.#refuse(error);
    }
  }

  /** The fields as they are, those that only may be read as well. */
  #sent() {
    /** @type {Record<string, string>} */
    const sent = {};
    for (const each of this.form?.elements ?? []) {
      if (!(each instanceof HTMLInputElement || each instanceof HTMLSelectElement || each instanceof HTMLTextAreaElement) || !each.name) continue;
      const boxed = each instanceof HTMLInputElement && (each.type === "radio" || each.type === "checkbox");
      if (!boxed || each.checked) sent[each.name] = each.value;
    }
    return sent;
  }

  /** @param {Outcome} outcome */
  #tell({ outcome, words, text, paths }) {
    const [sign, status] = MARKS[outcome] ?? ["minus", "pending"];
    ref(this, "outcome").replaceChildren(
      h("p", { class: "policy-verdict", "data-status": status }, icon(sign), h("b", {}, words)),
      paths.length ? h("p", { class: "hint" }, gettext("They meet at"), " ", ...paths.flatMap((path) => [h("code", {}, path || "/"), " "])) : "",
      h("p", { class: "hint" }, gettext("Then this stands:")),
      h("pre", { class: "state-json", tabIndex: 0 }, text),
    );
  }

  /** @param {unknown} error */
  #refuse(error) {
    const { fields, message } = asRefused(error);
    const told = Object.entries(fields).map(([name, sentences]) => h("li", {}, h("code", {}, name), " ", sentences.join(" ")));
    ref(this, "outcome").replaceChildren(
      h("p", { class: "policy-verdict", "data-status": "pending" }, icon("minus"), h("b", {}, told.length ? gettext("This cannot be tried as it stands:") : message)),
      told.length ? h("ul", {}, told) : "",
    );
  }
}

customElements.define("policy-trial", PolicyTrial);
