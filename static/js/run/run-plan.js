/**
 * <run-plan>: the subtasks as rows, each with its agent and what it waits for at the left and its time at the right.
 * Bars are placed one by one: a property that all of them inherit would restyle every row at every tick.
 */

import { h, icon, setStyle, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { duration, now } from "../lib/time.js";
import { drawMark, statusMark } from "./badge.js";
import { ordered, runEnded, subtaskEnded } from "./reducer.js";
import { assigneeOf, titleOf } from "./words.js";

class RunPlan extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector("[data-ref=rows]");
    this.note = this.querySelector("[data-ref=note]");
    this.scale = this.querySelector("[data-ref=scale]");
    this.rows = new Map();
  }

  draw(view, before) {
    const same = (name) => view[name] === before[name];
    if (!view.last_seq || (before && ["subtasks", "plan", "status"].every(same))) return;
    this.start = Date.parse(view.queuedAt ?? view.lastAt);
    const subtasks = ordered(view);
    this.hidden = !subtasks.length || view.status === "awaiting_approval";
    this.titles = new Map(subtasks.map((subtask) => [subtask.key, titleOf(subtask)]));
    subtasks.forEach((subtask, index) => this.#row(subtask, index));
    const words = view.plan?.note ?? "";
    text(this.note, words);
    this.note.hidden = !words;
    this.tick(view, now());
  }

  tick(view, at) {
    const total = this.#total(view, at);
    text(this.scale, duration(total));
    for (const { subtask, time, bars } of this.rows.values()) {
      for (const { bar, from, to } of bars) {
        const share = (value) => `${((value / total) * 100).toFixed(3)}%`;
        // Also what happened in the last instant of a long run has its place on the axis.
        const start = `min(${share(from)}, 100% - 3px)`;
        setStyle(bar, { "inset-inline-start": start, "inline-size": share(Math.max(0, (to ?? total) - from)) });
      }
      if (subtask.startedAt && !subtask.endedAt) text(time, duration(at - Date.parse(subtask.startedAt)));
    }
  }

  /** The axis in milliseconds: to the end or now, but never short of an event, whose clock may be ahead of ours. */
  #total(view, at) {
    const ends = runEnded(view.status) ? [Date.parse(view.endedAt)] : [at, Date.parse(view.lastAt)];
    let total = Math.max(1000, ...ends.map((end) => end - this.start));
    for (const { bars } of this.rows.values()) {
      for (const { from, to } of bars) total = Math.max(total, to ?? from);
    }
    return total;
  }

  #row(subtask, index) {
    let row = this.rows.get(subtask.id);
    if (!row) {
      row = this.#make(subtask);
      this.rows.set(subtask.id, row);
    }
    if (this.list.children[index] !== row.node) this.list.insertBefore(row.node, this.list.children[index] ?? null);
    if (row.subtask === subtask) return;
    const spansChanged = row.subtask?.spans !== subtask.spans;
    row.subtask = subtask;
    row.node.dataset.status = subtask.status;
    drawMark(row.mark, subtask.status);
    text(row.title, titleOf(subtask));
    text(row.agent, subtask.agentId || assigneeOf(subtask));
    const needs = subtask.dependsOn.map((key) => this.titles.get(key) ?? key).join(", ");
    row.needs.hidden = !needs;
    row.needs.title = fill(gettext("After: %(titles)s"), { titles: needs });
    text(row.needsCount, String(subtask.dependsOn.length));
    const ended = subtaskEnded(subtask.status) && subtask.startedAt;
    text(row.time, ended ? duration(Date.parse(subtask.endedAt) - Date.parse(subtask.startedAt)) : "");
    if (spansChanged) this.#bars(row, subtask);
  }

  #make(subtask) {
    const mark = statusMark(subtask.status);
    const title = h("a", { class: "plan-row-title", href: `#subtask-${subtask.id}` });
    const agent = h("span", { class: "agent-name" });
    const needsCount = h("span", {});
    const needs = h("span", { class: "plan-row-needs" }, icon("after", gettext("Waits for others")), needsCount);
    const time = h("span", { class: "plan-row-time" });
    const track = h("div", { class: "track", "aria-hidden": "true" });
    const node = h(
      "li",
      { class: "plan-row", "data-kind": subtask.kind },
      mark,
      h("div", { class: "plan-row-what" }, title, h("div", { class: "plan-row-who" }, agent, needs)),
      track,
      time,
    );
    return { node, mark, title, agent, needs, needsCount, time, track, bars: [], subtask: null };
  }

  #bars(row, subtask) {
    row.bars = subtask.spans.map((span, index) => {
      const open = span.to === null;
      const last = index === subtask.spans.length - 1;
      const failed = !last && span.state === "running" && subtask.spans[index + 1].state === "ready";
      const how = failed ? "retried" : last && span.state === "running" && !open ? subtask.status : span.state;
      const bar = h("span", { class: "bar", "data-state": how });
      bar.classList.toggle("is-open", open);
      return { bar, from: Date.parse(span.from) - this.start, to: open ? null : Date.parse(span.to) - this.start };
    });
    row.track.replaceChildren(...row.bars.map(({ bar }) => bar));
  }
}

customElements.define("run-plan", RunPlan);
