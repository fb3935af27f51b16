/**
 * <run-progress>: how many of the plan's subtasks came to an end of their own, as one bar split by how all of them stand.
 *
 * @import { View } from "../types.d.ts"
 */

import { h, setStyle, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { runEnded, subtaskDone } from "./reducer.js";

const PARTS = ["completed", "failed", "skipped", "cancelled", "running", "waiting"];

class RunProgress extends HTMLElement {
  words = h("span", { class: "progress-words" });
  bars = new Map(PARTS.map((part) => [part, h("span", { class: "progress-part", "data-status": part })]));
  bar = h(
    "div",
    { class: "progress-bar", role: "progressbar", "aria-valuemin": "0", "aria-label": gettext("Subtasks that have ended") },
    ...this.bars.values(),
  );

  connectedCallback() {
    this.replaceChildren(this.bar, this.words);
  }

  /** @param {View} view @param {View | null} before */
  draw(view, before) {
    if (before && view.subtasks === before.subtasks) return;
    const work = Object.values(view.subtasks).filter((subtask) => subtask.kind === "work");
    this.classList.toggle("is-empty", !work.length);
    if (!work.length) return;
    const done = work.filter((subtask) => subtaskDone(subtask.status)).length;
    for (const [part, bar] of this.bars) {
      const n = work.filter((subtask) => subtask.status === part).length;
      setStyle(bar, { "--share": String(n / work.length) });
    }
    this.bar.setAttribute("aria-valuemax", String(work.length));
    this.bar.setAttribute("aria-valuenow", String(done));
    this.bar.classList.toggle("is-live", !runEnded(view.status));
    text(this.words, fill(gettext("%(n)s of %(total)s"), { n: done, total: work.length }));
  }
}

customElements.define("run-progress", RunProgress);
