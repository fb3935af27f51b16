/** <question-form>: a waiting subtask's question and the form that answers it. `url` is empty for those who may only look. */

import { h, show, text } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { post } from "../lib/http.js";
import { firstLine } from "./words.js";

/** What stands on the buttons by which a call of a tool is approved; other options are an agent's own words. */
const OPTIONS = { approve: gettext("Approve"), deny: gettext("Deny") };

class QuestionForm extends HTMLElement {
  draw(subtask) {
    if (!show(this, subtask.status === "waiting")) return;
    const options = subtask.options.join("\n");
    if (!this.form || this.options !== options) this.#make(subtask);
    this.options = options;
    const first = firstLine(subtask.question);
    text(this.words, first);
    const rest = subtask.question.trim().slice(first.length).trim();
    if (show(this.rest, Boolean(rest))) text(this.rest, rest);
  }

  #make(subtask) {
    const id = `answer-${subtask.id}`;
    this.words = h("label", { class: "question-words", htmlFor: id });
    this.rest = h("p", { class: "question-words", id: `${id}-more` });
    this.box = h("textarea", { id, rows: 2, name: "text", required: true, "aria-describedby": `${id}-more` });
    this.fault = h("p", { class: "field-error", role: "alert", hidden: true });
    this.button = h("button", { type: "submit", class: "button button-primary button-small" }, gettext("Answer"));
    this.choices = subtask.options.map((option) =>
      h("button", { type: "button", class: "button button-small", onclick: () => this.#post(option) }, OPTIONS[option] ?? option),
    );
    const answers = this.choices.length
      ? [this.fault, h("div", { class: "question-options" }, ...this.choices)]
      : [this.box, this.fault, this.button];
    this.form = h("form", { onsubmit: (event) => this.#send(event) }, this.words, this.rest, ...answers);
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) this.form.requestSubmit();
    });
    if (!this.url) {
      for (const field of [this.box, this.button, ...this.choices]) field.hidden = true;
      show(this.fault, true);
      text(this.fault, gettext("An operator of this group must answer."));
    }
    this.replaceChildren(this.form);
  }

  #send(event) {
    event.preventDefault();
    if (!this.choices.length) this.#post(this.box.value);
  }

  async #post(answer) {
    for (const button of [this.button, ...this.choices]) button.disabled = true;
    show(this.fault, false);
    try {
      await post(this.url, { text: answer });
      this.box.value = "";
    } catch (refused) {
      text(this.fault, Object.values(refused.fields).flat().join(" ") || refused.message);
      show(this.fault, true);
    } finally {
      for (const button of [this.button, ...this.choices]) button.disabled = false;
    }
  }
}

customElements.define("question-form", QuestionForm);
