/** Two runs side by side: which subtask of one is which of the other, and what is different. Pure; no DOM. */

/** @import { Subtask, View } from "../types.d.ts" */

import { ordered, subtaskDone } from "./reducer.js";

/** @typedef {"onlyA" | "onlyB" | "agent" | "status" | "slower" | "faster" | "attempts" | "result"} Mark */
/**
 * One line of the comparison; a side is null when the run has no such subtask.
 * @typedef {{a: Subtask | null, b: Subtask | null, marks: Mark[], times: number | null}} Pair
 */
/** @typedef {{total: number, tokens: number, cost: number | null, attempts: number, done: number, work: number, agents: string[]}} Figures */

/** A difference in time counts from here on: by that factor, and by that many milliseconds. */
const FACTOR = 1.25;
const LEAST = 500;

/** @param {string} title */
const plain = (title) => title.trim().replace(/\s+/g, " ").toLowerCase();

/** By what a subtask may be known in another run, the surest first. @type {((subtask: Subtask) => string)[]} */
const NAMES = [
  ({ kind, key, title, agentId }) => JSON.stringify([kind, plain(title), key, agentId]),
  ({ kind, title, agentId }) => JSON.stringify([kind, plain(title), agentId]),
  ({ kind, title }) => JSON.stringify([kind, plain(title)]),
  ({ kind, key }) => JSON.stringify([kind, key]),
];

/**
 * The subtasks of both runs in reading order, those of B that A lacks after what they come after in B.
 * @param {View} a
 * @param {View} b
 * @returns {Pair[]}
 */
export function align(a, b) {
  const [left, right] = [ordered(a), ordered(b)];
  /** @type {Map<Subtask, Subtask>} */
  const partners = new Map();
  const free = new Set(right);
  for (const nameOf of NAMES) {
    /** @type {Map<string, Subtask[]>} */
    const named = new Map();
    for (const subtask of free) named.set(nameOf(subtask), [...(named.get(nameOf(subtask)) ?? []), subtask]);
    for (const subtask of left) {
      if (partners.has(subtask)) continue;
      const partner = named.get(nameOf(subtask))?.shift();
      if (!partner) continue;
      partners.set(subtask, partner);
      free.delete(partner);
    }
  }
  /** @type {Pair[]} */
  const pairs = left.map((subtask) => pairOf(subtask, partners.get(subtask) ?? null));
  right.forEach((subtask, n) => {
    if (!free.has(subtask)) return;
    const before = right[n - 1];
    const place = before ? pairs.findIndex((pair) => pair.b === before) + 1 : 0;
    pairs.splice(place, 0, pairOf(null, subtask));
  });
  return pairs;
}

/** @param {Subtask | null} a @param {Subtask | null} b @returns {Pair} */
function pairOf(a, b) {
  if (!a || !b) return { a, b, marks: [a ? "onlyA" : "onlyB"], times: null };
  /** @type {Mark[]} */
  const marks = [];
  if ((a.agentId ?? "") !== (b.agentId ?? "")) marks.push("agent");
  if (a.status !== b.status) marks.push("status");
  if (Math.max(a.attempt, 1) !== Math.max(b.attempt, 1)) marks.push("attempts");
  const [before, after] = [took(a), took(b)];
  const times = before !== null && after !== null && before > 0 ? after / before : null;
  if (times !== null && before !== null && after !== null && Math.abs(after - before) >= LEAST) {
    if (times >= FACTOR) marks.push("slower");
    if (times <= 1 / FACTOR) marks.push("faster");
  }
  if (a.result.trim() !== b.result.trim()) marks.push("result");
  return { a, b, marks, times };
}

/** How long a subtask that has ended took, in milliseconds; null while it goes on, or when it was never begun. @param {Subtask} subtask */
export const took = ({ startedAt, endedAt }) => (startedAt && endedAt ? Date.parse(endedAt) - Date.parse(startedAt) : null);

/** When the run was queued, by its own log. @param {View} view */
export const startOf = (view) => Date.parse(view.queuedAt ?? view.lastAt ?? "") || 0;

/**
 * What a run came to, in figures.
 * @param {View} view
 * @param {number} now
 * @returns {Figures}
 */
export function figures(view, now) {
  const subtasks = Object.values(view.subtasks);
  const work = subtasks.filter(({ kind }) => kind === "work" || kind === "reply");
  const start = startOf(view);
  const end = view.endedAt ? Date.parse(view.endedAt) : now;
  const { usage } = view;
  return {
    total: start ? Math.max(0, end - start) : 0,
    tokens: (usage.input_tokens ?? 0) + (usage.output_tokens ?? 0),
    cost: usage.cost_usd ?? null,
    attempts: subtasks.reduce((sum, { attempt }) => sum + Math.max(0, attempt), 0),
    done: work.filter(({ status }) => subtaskDone(status)).length,
    work: work.length,
    agents: [...new Set(subtasks.flatMap(({ agentId }) => agentId ?? []))].toSorted(),
  };
}

/**
 * How many events of a log had happened by a time; the log's times ascend.
 * @param {readonly {at: string}[]} events
 * @param {number} until - milliseconds since the epoch
 */
export function eventsUntil(events, until) {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Date.parse(events[middle]?.at ?? "") <= until) low = middle + 1;
    else high = middle;
  }
  return low;
}
