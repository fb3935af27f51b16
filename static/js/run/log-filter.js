/**
 * Which events the log shows: by agent, by type, by words. What an event says is put into small letters once, so that
 * typing a word looks through ten thousand events within a few milliseconds. Pure.
 */

/** @import { RunEvent, View } from "../types.d.ts" */
/** @import { Fields } from "./focus.js" */

import { below } from "./log-lines.js";
import { sentence, titleOf, tone } from "./words.js";

/** Kinds of events that go together: what stands in the list of kinds before the single types. */
export const KINDS = /** @type {const} */ (["all", "steps", "tools", "texts", "problems"]);

/** Whether an event is of a kind, or of a type by its name. @param {RunEvent} event @param {string} kind */
export function isOf(event, kind) {
  switch (kind) {
    case "all":
      return true;
    case "steps":
      return tone(event) !== "text" && !event.type.startsWith("tool.");
    case "tools":
      return event.type.startsWith("tool.");
    case "texts":
      return event.type === "text.delta";
    case "problems":
      return tone(event) === "bad";
    default:
      return event.type === kind;
  }
}

export class LogFilter {
  /** What each event says, as it is looked through; made when it is first looked for. @type {string[]} */
  #said = [];
  /** The places in the log of what is shown, in order. @type {number[]} */
  rows = [];
  /** How far the log has been sifted. */
  #read = 0;
  /** @type {Pick<Fields, "agents" | "types" | "q">} */
  #wanted = { agents: [], types: [], q: "" };
  /** Every agent that the log has named, in order of appearance. @type {Set<string>} */
  agents = new Set();
  /** How many events there are of each type. @type {Map<string, number>} */
  types = new Map();

  /** Change what is wanted; the log is sifted anew at the next `take`. @param {Pick<Fields, "agents" | "types" | "q">} wanted */
  want({ agents, types, q }) {
    this.#wanted = { agents, types, q: q.trim().toLowerCase() };
    this.rows = [];
    this.#read = 0;
  }

  /** Whether all is shown. */
  get isOff() {
    const { agents, types, q } = this.#wanted;
    return !agents.length && !types.length && !q;
  }

  /** Whether pieces of text that follow each other share a line: not when one asks for kinds of events, or for words. */
  get folds() {
    return !this.#wanted.types.length && !this.#wanted.q;
  }

  /** Sift what has not been sifted yet. @param {RunEvent[]} events @param {View} view - for the titles of subtasks */
  take(events, view) {
    for (; this.#read < events.length; this.#read += 1) {
      const event = /** @type {RunEvent} */ (events[this.#read]);
      this.#know(event, this.#read);
      if (this.#wants(event, this.#read, view)) this.rows.push(this.#read);
    }
  }

  /** How many of the rows are of the first `n` events. @param {number} n */
  shownAt(n) {
    return below(this.rows, n);
  }

  /** @type {number} how many events have been counted */
  #known = 0;

  /** @param {RunEvent} event @param {number} place */
  #know(event, place) {
    if (place < this.#known) return;
    this.#known = place + 1;
    if (event.agent_id) this.agents.add(event.agent_id);
    this.types.set(event.type, (this.types.get(event.type) ?? 0) + 1);
  }

  /** @param {RunEvent} event @param {number} place @param {View} view */
  #wants(event, place, view) {
    const { agents, types, q } = this.#wanted;
    if (agents.length && !agents.includes(event.agent_id ?? "")) return false;
    if (types.length && !types.some((kind) => isOf(event, kind))) return false;
    if (!q) return true;
    this.#said[place] ??= words(event, view);
    return this.#said[place].includes(q);
  }
}

/** Everything about an event that one may look for. @param {RunEvent} event @param {View} view */
function words(event, view) {
  const subtask = event.subtask ? view.subtasks[event.subtask] : null;
  const { type, agent_id: agent, seq } = event;
  return [`#${seq}`, type, agent ?? "", subtask ? titleOf(subtask) : "", sentence(event), JSON.stringify(event.data)].join(" ").toLowerCase();
}
