/** The card beside a graph: what is known of the chosen node, and the way on to what it waits for. */

/** @import { About, ToolCall } from "../types.d.ts" */
/** @import { GraphNode } from "./graph-model.js" */
/** @import { Focus } from "./focus.js" */

import "./stream-text.js";
import { h, icon, show, text } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { duration, now } from "../lib/time.js";
import { STATE_WORDS } from "./graph-model.js";
import { STATE_ICONS } from "./graph-node.js";
import { reasonWords } from "./reasons.js";
import { ResultSlot } from "./result-slot.js";
import { argumentsLine, assigneeOf, attemptWords, firstLine, handoverWords, retryWords, spentWords, titleOf } from "./words.js";

/** The latest calls of tools are shown, the story has them all. */
const MOST_CALLS = 8;

/** @typedef {HTMLElement & {show(value: unknown): void}} Shower */

export class GraphCard {
  /** @type {GraphNode | null} */
  #node = null;
  #key = "";
  #of = "";

  /** @param {{about: About, viewing: Focus}} part - it is given both after it was made @param {() => void} close */
  constructor(part, close) {
    this.part = part;
    this.badge = h("span", { class: "badge" });
    this.heading = h("h3", { class: "graph-card-title" });
    const leave = h("button", { type: "button", class: "icon-button", "aria-label": gettext("Close"), onclick: close }, icon("close"));
    this.facts = h("dl", { class: "graph-facts" });
    this.attempt = h("p", { class: "attempt" });
    this.error = h("p", { class: "card-error" });
    this.question = h("p", { class: "graph-question" });
    this.handovers = h("ol", { class: "card-handovers", "aria-label": gettext("Handed over") });
    this.brief = h("p", { class: "brief-text" });
    this.briefFold = h("details", { class: "brief" }, h("summary", {}, gettext("Instructions")), this.brief);
    this.tools = h("ul", { class: "graph-calls", "aria-label": gettext("Tools") });
    this.stream = /** @type {Shower} */ (document.createElement("stream-text"));
    this.box = h("div", { class: "prose card-result" });
    /** @type {ResultSlot | null} */
    this.result = null;
    const toStory = () => part.viewing.set({ view: "story" });
    this.story = h("button", { type: "button", class: "button button-small", onclick: toStory }, gettext("Read it in the story"));
    this.root = h(
      "aside",
      { class: "graph-card-side", "aria-label": gettext("The chosen subtask"), hidden: true },
      h("header", { class: "graph-card-head" }, this.badge, leave),
      this.heading,
      this.facts,
      this.attempt,
      this.question,
      this.error,
      this.handovers,
      this.briefFold,
      this.tools,
      this.stream,
      this.box,
      this.story,
    );
  }

  /** Show this node; null: none. @param {GraphNode | null} node @param {string[]} after - titles of what it waits for */
  draw(node, after) {
    if (!node || node.kind === "gate") {
      this.#node = null;
      show(this.root, false);
      return;
    }
    const { subtask, item, state } = node;
    if (this.#node && this.#node.subtask === subtask && this.#node.state === state && this.#node.id === node.id) return;
    const other = this.#of !== node.id;
    const before = this.#node?.subtask;
    this.#of = node.id;
    this.#node = node;
    show(this.root, true);
    if (this.badge.dataset.status !== state) {
      this.badge.dataset.status = state;
      this.badge.replaceChildren(icon(STATE_ICONS[state] ?? "clock"), h("span", {}, STATE_WORDS[state]));
    }
    text(this.heading, subtask ? titleOf(subtask) : (item?.title ?? gettext("Sum up the results")));
    const told = subtask?.instructions || item?.instructions || "";
    text(this.brief, told);
    show(this.briefFold, Boolean(told));
    const asks = subtask && state === "waiting" ? firstLine(subtask.question) : "";
    if (show(this.question, Boolean(asks))) text(this.question, asks);
    const wrong = subtask && ["failed", "skipped"].includes(state) ? reasonWords(subtask.error) : "";
    if (show(this.error, Boolean(wrong))) text(this.error, wrong);
    const handed = subtask?.handovers ?? [];
    if (show(this.handovers, handed.length > 0) && handed !== before?.handovers) {
      this.handovers.replaceChildren(...handed.map((handover) => h("li", {}, icon("after"), " ", handoverWords(handover))));
    }
    const calls = subtask?.tools ?? [];
    if (show(this.tools, calls.length > 0) && calls !== before?.tools) this.tools.replaceChildren(...calls.slice(-MOST_CALLS).map(callRow));
    const done = subtask && state === "completed" ? subtask.result : "";
    if (show(this.stream, Boolean(subtask?.text) && !done)) this.stream.show(subtask?.text ?? "");
    this.#result(subtask?.id ?? "", done, other);
    show(this.story, Boolean(subtask));
    this.after = after;
    this.tick(now());
    if (other) this.root.scrollTop = 0;
  }

  /** Clocks go on. @param {number} at */
  tick(at) {
    const { subtask, item } = this.#node ?? {};
    if (!this.#node) return;
    const words = subtask?.retrying
      ? retryWords(subtask, Date.parse(subtask.retrying.at) + subtask.retrying.delay * 1000 - at)
      : subtask
        ? attemptWords(subtask)
        : "";
    if (show(this.attempt, Boolean(words))) text(this.attempt, words);
    const took = subtask?.startedAt ? duration((subtask.endedAt ? Date.parse(subtask.endedAt) : at) - Date.parse(subtask.startedAt)) : "";
    const rows = [
      [gettext("Agent"), subtask ? subtask.agentId || assigneeOf(subtask) : item ? assigneeOf(item) : ""],
      [gettext("After"), (this.after ?? []).join(", ")],
      [gettext("Time"), took],
      [gettext("Used"), subtask?.spent ? spentWords(subtask.spent) : ""],
    ].filter(([, value]) => value);
    const key = JSON.stringify(rows);
    if (key === this.#key) return;
    this.#key = key;
    this.facts.replaceChildren(...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  }

  /** @param {string} id @param {string} markdown @param {boolean} other - of another subtask than before */
  #result(id, markdown, other) {
    if (other) {
      this.result?.clear();
      this.result = null;
    }
    if (!markdown) return this.result?.clear();
    this.result ??= new ResultSlot(this.box, (this.part.about.urls.subtask_result ?? "").replace("SUBTASK", id), this.part.about.rendered);
    this.result.show(markdown);
    return undefined;
  }
}

/** One call of a tool on a line. @param {ToolCall} call */
function callRow({ tool, arguments: given, summary, ok }) {
  const state = ok === null ? "running" : ok ? "completed" : "failed";
  const words = { running: gettext("running"), completed: gettext("done"), failed: gettext("failed") }[state];
  const mark = h("span", { class: "status-mark", "data-status": state }, icon(STATE_ICONS[state] ?? "clock", words));
  const line = summary || argumentsLine(given);
  return h("li", {}, mark, h("code", {}, tool), h("span", { title: line }, line));
}
