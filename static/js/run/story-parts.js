/** The pieces of a turn of the story: text, a tool's call, a question with its answer, a message, a handover. */

/** @import { RunEvent, Subtask } from "../types.d.ts" */
/** @import { FactPart, QuestionPart, TextPart, ToolPart } from "./story.js" */

import { h, icon, show, text } from "../lib/dom.js";
import { fill, gettext, textsOf } from "../lib/i18n.js";
import { duration } from "../lib/time.js";
import { reasonWords } from "./reasons.js";
import { textAt } from "./story.js";
import { argumentsLine, sentence } from "./words.js";

/** Beyond so many characters a text of a turn that is over is folded. */
const LONG = 4000;

/** What an agent writes, growing; appends what is new, so that a selection in it is left in peace. */
export class TextNode {
  node = h("div", { class: "turn-text" });
  #shown = "";
  #whole = false;
  /** @type {HTMLButtonElement | null} */
  #more = null;

  /** @param {TextPart} part @param {number} n @param {boolean} going */
  draw(part, n, going) {
    const all = textAt(part, n);
    // Who has seen it grow may be reading it.
    this.#whole ||= going;
    const fold = !this.#whole && all.length > LONG;
    const wanted = fold ? `${all.slice(0, LONG)}…` : all;
    if (wanted !== this.#shown) {
      if (this.#shown && !this.#more && wanted.startsWith(this.#shown)) this.node.append(wanted.slice(this.#shown.length));
      else this.node.replaceChildren(wanted);
      this.#shown = wanted;
      this.#more = null;
    }
    if (!fold || this.#more) return;
    const unfold = () => {
      this.#whole = true;
      this.draw(part, n, going);
    };
    this.#more = h("button", { type: "button", class: "link turn-more", onclick: unfold }, gettext("Show all of it"));
    this.node.append(" ", this.#more);
  }
}

/** One call of a tool: a line, and on demand its arguments and what came of it. */
export class ToolNode {
  #mark = h("span", { class: "status-mark" });
  #line = h("span", { class: "tool-summary" });
  #time = h("span", { class: "tool-time" });
  #state = "";
  #more = h("div", { class: "turn-tool-more" });
  node;

  /** @param {ToolPart} part */
  constructor(part) {
    const { tool } = part.started.data;
    const summary = h("summary", {}, this.#mark, h("code", { class: "tool-name" }, tool), this.#line, this.#time, icon("chevron"));
    this.node = h("details", { class: "turn-tool", "data-seq": String(part.seq) }, summary, this.#more);
    this.node.addEventListener("toggle", () => this.#open());
    this.part = part;
    this.n = 0;
  }

  /** @param {ToolPart} part @param {number} n */
  draw(part, n) {
    this.n = n;
    const finished = part.finished && part.finished.seq <= n ? part.finished : null;
    const state = finished ? (finished.data.ok ? "completed" : "failed") : "running";
    if (state === this.#state) return;
    this.#state = state;
    this.node.dataset.status = this.#mark.dataset.status = state;
    const [sign, word] = { running: ["spinner", gettext("running")], completed: ["check", gettext("done")], failed: ["cross", gettext("failed")] }[state] ?? [];
    this.#mark.replaceChildren(icon(sign ?? "spinner", word));
    text(this.#line, finished?.data.summary || argumentsLine(part.started.data.arguments));
    text(this.#time, finished ? duration(Date.parse(finished.at) - Date.parse(part.started.at)) : "");
    this.#open();
  }

  #open() {
    if (!this.node.open) return;
    const { started, finished } = this.part;
    const given = Object.keys(started.data.arguments).length ? JSON.stringify(started.data.arguments, null, 2) : gettext("none");
    const came = finished && finished.seq <= this.n ? finished.data.summary || gettext("nothing") : "…";
    this.#more.replaceChildren(
      h("h4", {}, gettext("Arguments")),
      h("pre", { tabIndex: 0 }, given),
      h("h4", {}, gettext("Result")),
      h("pre", { tabIndex: 0 }, came),
    );
  }
}

/** A question, and its answer or the form for it. */
export class QuestionNode {
  #words = h("p", { class: "turn-question-words" });
  #answer = h("p", { class: "turn-answer" });
  /** Fetched when a question stands. @type {import("./question-form.js").QuestionForm | null} */
  #form = null;
  /** The subtask whose question stands. @type {Subtask | null} */
  #asking = null;
  node = h("div", { class: "turn-question" }, icon("hand"), h("div", {}, this.#words, this.#answer));
  #url;

  /** @param {string} url - where answers go; empty for those who may only look */
  constructor(url) {
    this.#url = url;
  }

  async #ask() {
    if (!this.#asking) return;
    try {
      await textsOf("run/question-form.js");
      const { QuestionForm } = await import("./question-form.js");
      if (!this.#form) this.#words.after((this.#form = new QuestionForm()));
    } catch {
      return; // what is asked can be read; the form comes with the next change
    }
    this.#form.url = this.#url;
    if (this.#asking) this.#form.draw(this.#asking);
    show(this.#form, this.#asking !== null);
    show(this.#words, this.#asking === null);
  }

  /** @param {QuestionPart} part @param {number} n @param {Subtask | undefined} subtask - as it is now; none in the past */
  draw(part, n, subtask) {
    const answered = part.answered && part.answered.seq <= n ? part.answered : null;
    const asking = !answered && subtask?.status === "waiting" && subtask.question === part.asked.data.question;
    this.#asking = asking ? subtask : null;
    if (this.#form) {
      if (asking) this.#form.draw(subtask);
      show(this.#form, asking);
    } else void this.#ask();
    text(this.#words, reasonWords(part.asked.data.question));
    // Until the form is there the words say what is asked.
    show(this.#words, !asking || !this.#form);
    this.node.classList.toggle("is-open", asking);
    show(this.#answer, Boolean(answered));
    if (answered) text(this.#answer, answerWords(answered.data));
  }
}

/** @param {{answer?: string, by?: string}} data */
function answerWords({ answer, by }) {
  if (!answer) return gettext("It was answered.");
  return fill(gettext("%(what)s: %(about)s"), { what: by || gettext("Answer"), about: answer });
}

const SIGNS = new Map([["message.sent", "send"], ["subtask.handed_over", "after"], ["state.changed", "layers"]]);

/** A fact on one line. @param {RunEvent} event */
const factLine = (event) =>
  h("p", { class: "turn-fact", "data-type": event.type, "data-seq": String(event.seq) }, icon(SIGNS.get(event.type) ?? "link"), h("span", {}, sentence(event)));

/** @param {FactPart} part */
export const factNode = (part) => ({ node: factLine(part.event), draw() {} });
