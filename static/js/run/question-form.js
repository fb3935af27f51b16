/**
 * <question-form>: a waiting subtask's question and the form that answers it. `url` is empty for those who may only look.
 *
 * @import { Subtask } from "../types.d.ts"
 */

import { h, show, text } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { post, refusalWords } from "../lib/http.js";
import { reasonWords } from "./reasons.js";
import { firstLine } from "./words.js";

/** What stands on the buttons by which a call of a tool is approved; other options are an agent's own words. */
/** @type {Record<string, string>} */
const OPTIONS = { approve: gettext("Approve"), deny: gettext("Deny") };

export class QuestionForm extends HTMLElement {
  url = "";
  words = h("label", { class: "question-words" });
  rest = h("p", { class: "question-words" });
  box = h("textarea", { rows: 2, name: "text", required: true });
  fault = h("p", { class: "field-error", role: "alert", hidden: true });
  button = h("button", { type: "submit", class: "button button-primary button-small" }, gettext("Answer"));
  /** @type {HTMLButtonElement[]} */
  choices = [];
  /** @type {string | null} */
  options = null;

  /** @param {Subtask} subtask */
  draw(subtask) {
    if (!show(this, subtask.status === "waiting")) return;
    const options = subtask.options.join("\n");
    if (this.options !== options) this.#make(subtask);
    this.options = options;
    const question = reasonWords(subtask.question).trim();
    const first = firstLine(question);
    text(this.words, first);
    const rest = question.slice(first.length).trim();
    if (show(this.rest, Boolean(rest))) text(this.rest, rest);
  }

  /** @param {Subtask} subtask */
  #make(subtask) {
    this.box.id = this.words.htmlFor = `answer-${subtask.id}`;
    this.rest.id = `${this.box.id}-more`;
    this.box.setAttribute("aria-describedby", this.rest.id);
    this.choices = subtask.options.map((option) =>
      h("button", { type: "button", class: "button button-small", onclick: () => this.#post(option) }, OPTIONS[option] ?? option),
    );
    const answers = this.choices.length
      ? [this.fault, h("div", { class: "question-options" }, ...this.choices)]
      : [this.box, this.fault, this.button];
    const send = (/** @type {Event} */ event) => this.#send(event);
    const keyed = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) form.requestSubmit();
    };
    const form = h("form", { onsubmit: send, onkeydown: keyed }, this.words, this.rest, ...answers);
    if (!this.url) {
      for (const field of [this.box, this.button, ...this.choices]) field.hidden = true;
      show(this.fault, true);
      text(this.fault, gettext("An operator of this group must answer."));
    }
    this.replaceChildren(form);
  }

  /** @param {Event} event */
  #send(event) {
    event.preventDefault();
    if (!this.choices.length) this.#post(this.box.value);
  }

  /** @param {string} answer */
  async #post(answer) {
    for (const button of [this.button, ...this.choices]) button.disabled = true;
    show(this.fault, false);
    try {
      await post(this.url, { text: answer });
      this.box.value = "";
    } catch (refused) {
      text(this.fault, refusalWords(refused));
      show(this.fault, true);
    } finally {
      for (const button of [this.button, ...this.choices]) button.disabled = false;
    }
  }
}

customElements.define("question-form", QuestionForm);
