/** One line of the comparison: a subtask as both runs had it, on one scale of time, with what is different. */

/** @import { Span, Subtask } from "../types.d.ts" */
/** @import { Mark, Pair } from "./compare-align.js" */

import { h, icon, setStyle, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { duration } from "../lib/time.js";
import { drawMark } from "./badge.js";
import { sameTitle, took } from "./compare-align.js";
import { differenceOf } from "./compare-texts.js";
import { reasonWords } from "./reasons.js";
import { assigneeOf, SUBTASK_WORDS, titleOf } from "./words.js";

/** @typedef {{start: number, now: number}} Clock - when the run was queued, and the moment that is shown */

/** @param {Pair} pair @returns {Partial<Record<Mark, string>>} */
const markWords = ({ times }) => ({
  onlyA: gettext("only in A"),
  onlyB: gettext("only in B"),
  agent: gettext("other agent"),
  status: gettext("ended otherwise"),
  slower: fill(gettext("%(n)s× as long"), { n: (times ?? 1).toFixed(1) }),
  faster: fill(gettext("%(n)s× as long"), { n: (times ?? 1).toFixed(2) }),
  attempts: gettext("other attempts"),
  result: gettext("other result"),
});

class Side {
  /** @param {"A" | "B"} letter */
  constructor(letter) {
    this.mark = h("span", { class: "status-mark" });
    this.who = h("span", { class: "compare-who" });
    this.track = h("div", { class: "compare-track", "aria-hidden": "true" });
    this.time = h("span", { class: "compare-time" });
    this.root = h("div", { class: "compare-lane", "data-side": letter }, h("span", { class: "compare-letter" }, letter), this.mark, this.who, this.track, this.time);
  }

  /** @param {Subtask | null} subtask @param {Clock} clock @param {number} total */
  draw(subtask, clock, total) {
    this.root.classList.toggle("is-missing", !subtask);
    show(this.mark, Boolean(subtask));
    if (subtask) drawMark(this.mark, subtask.status);
    const tries = subtask && subtask.attempt > 1 ? ` ${subtask.attempt}/${subtask.maxAttempts}` : "";
    text(this.who, subtask ? (subtask.agentId || assigneeOf(subtask)) + tries : gettext("not there"));
    const ms = subtask ? took(subtask) : null;
    text(this.time, ms === null ? "" : duration(ms));
    this.track.replaceChildren(...(subtask?.spans ?? []).map((span) => barOf(span, subtask, clock, total)));
  }
}

/** @param {Span} span @param {Subtask | null} subtask @param {Clock} clock @param {number} total */
function barOf(span, subtask, { start, now }, total) {
  const last = span === subtask?.spans.at(-1);
  const ended = last && span.state === "running" && span.to !== null;
  const bar = h("span", { class: "compare-bar", "data-state": ended ? subtask?.status : span.state });
  const from = Date.parse(span.from) - start;
  const to = (span.to === null ? now : Date.parse(span.to)) - start;
  const share = (/** @type {number} */ ms) => `${((Math.max(0, ms) / total) * 100).toFixed(3)}%`;
  setStyle(bar, { "inset-inline-start": `min(${share(from)}, 100% - 3px)`, "inline-size": share(to - from) });
  return bar;
}

export class CompareRow {
  /** @type {Pair | null} */
  pair = null;

  constructor() {
    this.title = h("span", { class: "compare-title" });
    this.marks = h("span", { class: "compare-marks" });
    this.a = new Side("A");
    this.b = new Side("B");
    this.more = h("div", { class: "compare-more" });
    const head = h("summary", {}, icon("chevron"), this.title, this.marks, h("div", { class: "compare-lanes" }, this.a.root, this.b.root));
    this.fold = h("details", {}, head, this.more);
    this.fold.addEventListener("toggle", () => this.#fill());
    this.root = h("li", { class: "compare-row" }, this.fold);
  }

  /** @param {Pair} pair @param {[Clock, Clock]} clocks @param {number} total - milliseconds that both tracks show */
  draw(pair, clocks, total) {
    const { a, b, marks } = pair;
    const same = this.pair?.a === a && this.pair?.b === b;
    this.pair = pair;
    this.#name(a, b);
    const words = markWords(pair);
    const key = marks.map((mark) => words[mark]).join();
    if (this.marks.dataset.key !== key) {
      this.marks.dataset.key = key;
      this.marks.replaceChildren(...marks.map((mark) => h("span", { class: "compare-mark", "data-mark": mark }, words[mark] ?? "")));
    }
    this.a.draw(a, clocks[0], total);
    this.b.draw(b, clocks[1], total);
    if (!same) this.#fill();
  }

  /** By one title, or by both where they differ. @param {Subtask | null} a @param {Subtask | null} b */
  #name(a, b) {
    const two = a && b && !sameTitle(a, b);
    const titles = two ? [titleOf(a), titleOf(b)] : [titleOf(/** @type {Subtask} */ (a ?? b))];
    if (this.title.dataset.key === titles.join("\n")) return;
    this.title.dataset.key = titles.join("\n");
    const named = (/** @type {string} */ title, /** @type {number} */ n) => h("span", {}, h("span", { class: "compare-letter" }, "AB"[n] ?? ""), ` ${title}`);
    this.title.replaceChildren(...(two ? titles.map(named) : titles));
  }

  /** What stands under the fold is made when it is opened. */
  #fill() {
    if (!this.fold.open || !this.pair) return;
    const { a, b } = this.pair;
    const facts = [a, b].map((subtask, n) => {
      if (!subtask) return null;
      const error = subtask.status === "completed" ? "" : reasonWords(subtask.error);
      const words = [SUBTASK_WORDS[subtask.status], subtask.agentId || assigneeOf(subtask), error].filter(Boolean).join(" · ");
      return h("p", { class: "hint" }, h("span", { class: "compare-letter" }, n ? "B" : "A"), words);
    });
    this.more.replaceChildren(...facts.filter((fact) => fact !== null), differenceOf(a?.result ?? "", b?.result ?? ""));
  }
}
