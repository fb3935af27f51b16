/** One lane of the timeline: a subtask with its agent at the left, its bars on the axis, how long it took at the right. */

/** @import { Subtask } from "../types.d.ts" */
/** @import { Axis, Bar, BarState } from "./timeline.js" */

import { h, icon, setStyle, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { durationIn } from "../lib/time.js";
import { drawMark, statusMark } from "./badge.js";
import { subtaskEnded } from "./reducer.js";
import { barsOf } from "./timeline.js";
import { assigneeOf, retryWords, titleOf } from "./words.js";

/** What a bar means. @type {Record<BarState, string>} */
export const BAR_WORDS = {
  queued: gettext("in the queue"),
  running: gettext("at work"),
  completed: gettext("done"),
  failed: gettext("failed"),
  backoff: gettext("waits to try again"),
  waiting: gettext("waits for an answer"),
  handed: gettext("handed over"),
  cancelled: gettext("cancelled"),
};

export class Lane {
  #mark;
  #title;
  #agent = h("span", { class: "agent-name" });
  #needs = h("span", { class: "lane-needs" });
  #retry = h("span", { class: "lane-retry" });
  #time = h("span", { class: "lane-time" });
  #track = h("div", { class: "track", role: "img" });
  /** @type {Bar[]} */
  bars = [];
  /** How long the run took in all; infinite before it has ended. */
  whole = Infinity;
  /** @type {HTMLElement[]} */
  #nodes = [];
  node;

  /** @param {Subtask} subtask */
  constructor(subtask) {
    this.subtask = subtask;
    this.#mark = statusMark(subtask.status);
    this.#title = h("button", { type: "button", class: "lane-title" });
    const what = h("div", { class: "lane-what" }, this.#title, h("div", { class: "lane-who" }, this.#agent, this.#needs, this.#retry));
    this.node = h("li", { class: "lane", "data-kind": subtask.kind, "data-subtask": subtask.id }, this.#mark, what, this.#track, this.#time);
  }

  /** Put the keyboard here. */
  enter() {
    this.#title.focus();
  }

  /**
   * @param {Subtask} subtask
   * @param {number} start - when the run was queued
   * @param {Map<string, string>} titles - of all subtasks, by key
   * @param {number} now - since then
   */
  draw(subtask, start, titles, now) {
    this.subtask = subtask;
    this.node.dataset.status = subtask.status;
    drawMark(this.#mark, subtask.status);
    text(this.#title, titleOf(subtask));
    text(this.#agent, subtask.agentId || assigneeOf(subtask));
    const needs = subtask.dependsOn.map((key) => titles.get(key) ?? key).join(", ");
    if (show(this.#needs, Boolean(needs)) && this.#needs.title !== needs) {
      this.#needs.title = fill(gettext("After: %(titles)s"), { titles: needs });
      this.#needs.replaceChildren(icon("after", gettext("Waits for others")), String(subtask.dependsOn.length));
    }
    this.bars = barsOf(subtask, start);
    this.#make();
    this.#describe(now);
  }

  /** An element for each bar; those that are there stay, so that what grows does not begin anew. */
  #make() {
    while (this.#nodes.length > this.bars.length) this.#nodes.pop()?.remove();
    const tries = this.bars.filter(({ state }) => !["queued", "backoff", "waiting"].includes(state)).length;
    const max = Math.max(this.subtask.maxAttempts, this.subtask.attempt);
    this.bars.forEach((bar, index) => {
      const node = (this.#nodes[index] ??= this.#track.appendChild(h("span", { class: "bar" }, h("span", { class: "bar-words" }))));
      node.dataset.state = bar.state;
      node.classList.toggle("is-open", bar.to === null);
      const worked = !["queued", "backoff", "waiting"].includes(bar.state);
      const label = worked && tries > 1 && this.subtask.attempt > 1 ? `${bar.attempt}/${max}` : "";
      text(/** @type {Element} */ (node.firstChild), label);
    });
  }

  /** What the bars say, on pointing and for who cannot see them. @param {number} now */
  #describe(now) {
    const words = this.bars.map(({ state, from, to }) => `${BAR_WORDS[state]} ${durationIn((to ?? now) - from, this.whole)}`);
    this.#track.setAttribute("aria-label", words.join(", ") || gettext("nothing yet"));
    for (const [index, node] of this.#nodes.entries()) node.title = words[index] ?? "";
  }

  /** Put the bars where they belong; those that grow end at `now`. @param {Axis} axis @param {number} now */
  place(axis, now) {
    this.bars.forEach(({ from, to }, index) => {
      const [x, end] = [axis.x(from), axis.x(to ?? now)];
      const node = this.#nodes[index];
      if (!node || !show(node, end >= 0 && x <= 1)) return;
      const [low, high] = [Math.max(0, x), Math.min(1, end)];
      // Also what happened in the last instant of a long run has its place on the axis.
      setStyle(node, { "inset-inline-start": `min(${(low * 100).toFixed(3)}%, 100% - 3px)`, "inline-size": `${((high - low) * 100).toFixed(3)}%` });
    });
  }

  /** What goes on with the clock: how long it takes, how soon it is tried again. @param {number} at */
  tick(at) {
    const { startedAt, endedAt, status, retrying } = this.subtask;
    const spent = startedAt ? (endedAt && subtaskEnded(status) ? Date.parse(endedAt) : at) - Date.parse(startedAt) : 0;
    text(this.#time, startedAt ? durationIn(spent, this.whole) : "");
    if (show(this.#retry, retrying !== null) && retrying) {
      text(this.#retry, retryWords({ ...this.subtask, retrying }, Date.parse(retrying.at) + retrying.delay * 1000 - at));
    }
  }
}
