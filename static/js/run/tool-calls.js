/**
 * <tool-calls>: the tools an attempt has used, newest last; the older ones fold away beyond six.
 *
 * @import { ToolCall } from "../types.d.ts"
 */

import { h, icon, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { duration } from "../lib/time.js";
import { argumentsLine } from "./words.js";

const SHOWN = 6;
const MARKS = { running: "spinner", completed: "check", failed: "cross" };
const WORDS = { running: gettext("running"), completed: gettext("done"), failed: gettext("failed") };

export class ToolCalls extends HTMLElement {
  open = false;
  list = h("ul", { class: "tool-list" });
  fold = h("button", { type: "button", class: "link", onclick: () => this.#unfold() });
  /** @type {ToolCall[] | null} */
  calls = null;
  /** @type {ToolCall[]} */
  drawn = [];

  /** Show these calls (see the reducer's `tools`). @param {ToolCall[]} calls */
  show(calls) {
    if (calls === this.calls) return;
    if (!this.calls) this.replaceChildren(this.fold, this.list);
    if (!this.calls || calls.length < this.calls.length || calls[0]?.id !== this.calls[0]?.id) {
      this.list.replaceChildren();
      this.drawn = [];
    }
    this.calls = calls;
    this.hidden = !calls.length;
    calls.forEach((call, index) => {
      if (this.drawn[index] === call) return;
      const row = this.#row(call);
      const old = this.list.children[index];
      if (old) old.replaceWith(row);
      else this.list.append(row);
      this.drawn[index] = call;
    });
    const more = calls.length - SHOWN;
    this.fold.hidden = more <= 0 || this.open;
    text(this.fold, fill(gettext("%(n)s earlier tool calls"), { n: more }));
    [...this.list.children].forEach((row, index) => row.toggleAttribute("hidden", !this.open && index < more));
  }

  #unfold() {
    this.open = true;
    for (const row of this.list.children) row.removeAttribute("hidden");
    this.fold.hidden = true;
  }

  /** @param {ToolCall} call */
  #row(call) {
    const state = call.ok === null ? "running" : call.ok ? "completed" : "failed";
    const mark = MARKS[state];
    const took = call.endedAt ? duration(Date.parse(call.endedAt) - Date.parse(call.startedAt)) : "";
    const line = argumentsLine(call.arguments);
    return h(
      "li",
      { class: "tool", "data-status": state },
      h("span", { class: "status-mark", "data-status": state }, icon(mark, WORDS[state])),
      h("code", { class: "tool-name", title: line }, call.tool),
      h("span", { class: "tool-summary", title: call.summary || line }, call.summary || line),
      h("span", { class: "tool-time" }, took),
    );
  }
}

customElements.define("tool-calls", ToolCalls);
