/** <subtask-card>: one subtask: who, how far, tools, live text, question, and its result once it has one. */

import "./question-form.js";
import "./stream-text.js";
import "./tool-calls.js";
import { h, icon, show, text } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { now } from "../lib/time.js";
import { drawSubtaskBadge } from "./badge.js";
import { reasonWords } from "./reasons.js";
import { ResultSlot } from "./result-slot.js";
import { assigneeOf, attemptWords, handoverWords, retryWords, titleOf } from "./words.js";

class SubtaskCard extends HTMLElement {
  draw(subtask) {
    if (subtask === this.subtask) return;
    if (!this.subtask) this.#make(subtask);
    this.subtask = subtask;
    this.dataset.status = subtask.status;
    drawSubtaskBadge(this.badge, subtask.status);
    text(this.heading, titleOf(subtask));
    text(this.agent, subtask.agentId || assigneeOf(subtask));
    const handed = subtask.handovers.map((handover) => h("li", {}, icon("after"), " ", handoverWords(handover)));
    if (show(this.handovers, handed.length > 0)) this.handovers.replaceChildren(...handed);
    this.agent.title = subtask.assignee && subtask.agentId !== subtask.assignee ? subtask.assignee : "";
    this.tools.show(subtask.tools);
    const done = subtask.status === "completed" && subtask.result;
    if (show(this.stream, Boolean(subtask.text) && !done)) this.stream.show(subtask.text);
    if (done) this.result.show(subtask.result);
    else this.result.clear();
    this.question.draw(subtask);
    const failed = ["failed", "skipped"].includes(subtask.status);
    if (show(this.error, failed && Boolean(subtask.error))) text(this.error, reasonWords(subtask.error));
    text(this.instructions, subtask.instructions);
    this.brief.hidden = !subtask.instructions;
    this.tick(now());
  }

  tick(at) {
    const { subtask } = this;
    const words = subtask.retrying
      ? retryWords(subtask, Date.parse(subtask.retrying.at) + subtask.retrying.delay * 1000 - at)
      : attemptWords(subtask);
    this.attempt.hidden = !words;
    this.attempt.classList.toggle("is-retrying", Boolean(subtask.retrying));
    text(this.attempt, words);
  }

  #make(subtask) {
    this.id = `subtask-${subtask.id}`;
    this.dataset.kind = subtask.kind;
    this.setAttribute("role", "article");
    this.setAttribute("aria-labelledby", `${this.id}-title`);
    this.badge = h("span", { class: "badge" });
    this.heading = h("h3", { id: `${this.id}-title` });
    this.agent = h("span", { class: "agent-name" });
    this.attempt = h("p", { class: "attempt" });
    this.handovers = h("ol", { class: "card-handovers", "aria-label": gettext("Handed over") });
    this.tools = document.createElement("tool-calls");
    this.stream = document.createElement("stream-text");
    this.stream.setAttribute("aria-label", gettext("Live output"));
    this.error = h("p", { class: "card-error", role: "alert" });
    this.question = document.createElement("question-form");
    this.question.url = this.about.can_steer ? this.about.urls.answer.replace("SUBTASK", subtask.id) : "";
    const box = h("div", { class: "prose card-result" });
    this.result = new ResultSlot(box, this.about.urls.subtask_result.replace("SUBTASK", subtask.id));
    this.instructions = h("p", { class: "brief-text" });
    this.brief = h("details", { class: "brief" }, h("summary", {}, gettext("Instructions")), this.instructions);
    this.replaceChildren(
      h("header", { class: "card-head" }, h("div", { class: "card-title" }, this.heading, this.agent), this.badge),
      this.handovers,
      this.brief,
      this.attempt,
      this.tools,
      this.stream,
      this.question,
      this.error,
      box,
    );
  }
}

customElements.define("subtask-card", SubtaskCard);
