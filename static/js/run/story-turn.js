/**
 * <story-turn>: one attempt of an agent at a subtask: who, at what, how it stands, and all that it said and did.
 * Made empty and filled when it comes near, so that a story of thousands of turns opens at once.
 */

/** @import { About, RunEvent, Subtask } from "../types.d.ts" */
/** @import { Part, Turn, TurnStatus } from "./story.js" */

import { avatar } from "../lib/avatars.js";
import { h, icon, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { clock, duration, number } from "../lib/time.js";
import { reasonWords } from "./reasons.js";
import { ResultSlot } from "./result-slot.js";
import { QuestionNode, TextNode, ToolNode, factNode } from "./story-parts.js";
import { saidBy, turnAt } from "./story.js";
import { sentence, titleOf } from "./words.js";

/** @typedef {{node: HTMLElement, draw: (part: any, n: number, more?: any) => void}} PartNode */
/** @typedef {{n: number, past: boolean, subtask: Subtask | undefined, latest: boolean}} Moment */

/** @type {Record<string, [icon: string, word: string, status: string]>} */
const STANDS = {
  running: ["spinner", gettext("at work"), "running"],
  waiting: ["hand", gettext("waits for an answer"), "waiting"],
  retrying: ["retry", gettext("failed, tries again"), "failed"],
  completed: ["check", gettext("done"), "completed"],
  failed: ["cross", gettext("failed"), "failed"],
  handed_over: ["after", gettext("handed over"), "skipped"],
  cancelled: ["minus", gettext("cancelled"), "cancelled"],
};

export class StoryTurn extends HTMLElement {
  #mark = h("span", { class: "status-mark" });
  #word = h("span", { class: "turn-word" });
  #facts = h("span", { class: "turn-facts" });
  #body = h("div", { class: "turn-body" });
  #end = h("p", { class: "turn-end", role: "note" });
  #result = h("div", { class: "prose turn-result", hidden: true });
  /** @type {PartNode[]} */
  #nodes = [];
  /** @type {ResultSlot | null} */
  #slot = null;
  #status = "";

  /** @param {Turn} turn @param {About} about */
  make(turn, about) {
    this.turn = turn;
    this.about = about;
    this.className = "turn";
    this.id = `turn-${turn.key}`;
    this.dataset.kind = turn.does;
    this.dataset.subtask = turn.subtask;
    const title = h("h3", { class: "turn-title", id: `${this.id}-title` }, titleOf(turn) || gettext("Work"));
    const attempt = turn.attempt > 1 ? fill(gettext("attempt %(n)s of %(max)s"), { n: turn.attempt, max: turn.max }) : "";
    this.setAttribute("role", "article");
    this.setAttribute("aria-labelledby", `${this.id}-who ${this.id}-title`);
    this.replaceChildren(
      h(
        "header",
        { class: "turn-head" },
        avatar(turn.agent || "?"),
        h("b", { class: "turn-who", id: `${this.id}-who` }, turn.agent || gettext("Somebody")),
        title,
        attempt && h("span", { class: "turn-attempt" }, icon("retry"), attempt),
        h("span", { class: "turn-stand" }, this.#mark, this.#word, this.#facts),
      ),
      this.#body,
    );
  }

  /** Say how it stands; all that is done for a turn out of sight. @param {TurnStatus} now */
  stand(now) {
    if (this.#status === now) return;
    const [sign, word, status] = STANDS[now] ?? ["minus", now, ""];
    this.#status = this.dataset.status = now;
    this.#mark.dataset.status = status;
    this.#mark.replaceChildren(icon(sign));
    text(this.#word, word);
  }

  /** Draw what had happened by then. @param {Moment} moment */
  draw(moment) {
    const { turn } = this;
    if (!turn) return;
    const { n } = moment;
    const now = turnAt(turn, n);
    this.stand(now.status);
    this.#brief(moment.subtask);
    const going = now.status === "running";
    this.#parts(now.parts, moment, going);
    // What comes of planning is the plan, which stands below as a card.
    const planned = turn.does === "plan" && now.parts.some(({ kind }) => kind === "text");
    this.#finish(now.parts, planned ? "" : now.result, moment.latest);
    if (show(this.#end, now.status === "failed" || now.status === "retrying")) text(this.#end, endWords(now.event));
    this.#endedAt = now.endedAt;
    this.#tokens = now.tokens;
  }

  /** @type {string | null} */
  #endedAt = null;
  #tokens = 0;

  /** How long it took or has been at it, and what it used. @param {number} at */
  tick(at) {
    if (!this.turn) return;
    const spent = (this.#endedAt ? Date.parse(this.#endedAt) : at) - Date.parse(this.turn.at);
    const time = this.#endedAt ? duration(spent) : clock(spent);
    const used = this.#tokens ? fill(gettext("%(n)s tokens"), { n: number(this.#tokens) }) : "";
    text(this.#facts, [time, used].filter(Boolean).join(" · "));
  }

  /** What it was told to do, above what it did at the first attempt. @param {Subtask | undefined} subtask */
  #brief(subtask) {
    if (this.#end.isConnected) return;
    const told = subtask?.instructions ?? "";
    const wanted = told && (this.turn?.attempt ?? 1) < 2;
    const brief = wanted ? h("details", { class: "brief" }, h("summary", {}, gettext("Instructions")), h("p", { class: "brief-text" }, told)) : null;
    this.#body.replaceChildren(...(brief ? [brief] : []), this.#result, this.#end);
  }

  /** @param {Part[]} parts @param {Moment} moment @param {boolean} going */
  #parts(parts, { n, past, subtask, latest }, going) {
    while (this.#nodes.length > parts.length) this.#nodes.pop()?.node.remove();
    parts.forEach((part, index) => {
      let node = this.#nodes[index];
      if (!node) {
        this.#nodes[index] = node = this.#nodeOf(part);
        const before = this.#nodes[index - 1]?.node ?? this.#body.querySelector(":scope > .brief");
        if (before) before.after(node.node);
        else this.#body.prepend(node.node);
      }
      node.draw(part, n, part.kind === "question" ? (past || !latest ? undefined : subtask) : going);
    });
  }

  /** @param {Part} part @returns {PartNode} */
  #nodeOf(part) {
    if (part.kind === "text") return new TextNode();
    if (part.kind === "tool") return new ToolNode(part);
    if (part.kind === "fact") return factNode(part);
    const url = this.about?.can_steer ? this.about.urls.answer?.replace("SUBTASK", this.turn?.subtask ?? "") : "";
    return new QuestionNode(url ?? "");
  }

  /**
   * The result as the server renders it, where it was said. Only of the latest attempt: the server has no other.
   * @param {Part[]} parts @param {string} result @param {boolean} latest
   */
  #finish(parts, result, latest) {
    const said = latest ? saidBy(parts, result) : null;
    parts.forEach((part, index) => {
      const node = this.#nodes[index]?.node;
      if (part.kind === "text" && node) show(node, !said?.includes(part));
    });
    if (!said) return this.#slot?.clear();
    const [only] = said;
    const at = only && said.length === 1 ? this.#nodes[parts.indexOf(only)]?.node : this.#nodes.at(-1)?.node;
    if (at && at.nextSibling !== this.#result) at.after(this.#result);
    const url = this.about?.urls.subtask_result?.replace("SUBTASK", this.turn?.subtask ?? "") ?? "";
    this.#slot ??= new ResultSlot(this.#result, url, this.about?.rendered);
    this.#slot.show(result);
  }
}

/** Why it failed, and what follows. @param {RunEvent | undefined} event */
function endWords(event) {
  if (event?.type === "subtask.failed") return reasonWords(event.data.error) || gettext("It failed without saying why.");
  return event ? sentence(event) : "";
}

customElements.define("story-turn", StoryTurn);
