/** Two runs side by side: which subtask of one is which of the other, and what is different. Pure; no DOM. */

/** @import { Subtask, View } from "../types.d.ts" */

import { ordered, subtaskDone } from "./reducer.js";

/** @typedef {"onlyA" | "onlyB" | "agent" | "status" | "slower" | "faster" | "attempts" | "result"} Mark */
/**
 * One line of the comparison; a side is null when the run has no such subtask.
 * @typedef {{a: Subtask | null, b: Subtask | null, marks: Mark[], times: number | null}} Pair
 */
/** @typedef {{total: number, working: number, tokens: number, cost: number | null, attempts: number, done: number, work: number, agents: string[]}} Figures */

/** A difference in time counts from here on: by that factor, and by that many milliseconds. */
const FACTOR = 1.25;
const LEAST = 500;
/** How alike two titles are that name the same work; half of that is enough under one key. */
const ALIKE = 0.6;

/** @param {string} title */
const plain = (title) => title.trim().replace(/\s+/g, " ").toLowerCase();

/** By what a subtask may be known in another run, the surest first. @type {((subtask: Subtask) => string)[]} */
const NAMES = [
  ({ kind, key, title, agentId }) => JSON.stringify([kind, plain(title), key, agentId]),
  ({ kind, title, agentId }) => JSON.stringify([kind, plain(title), agentId]),
  ({ kind, title }) => JSON.stringify([kind, plain(title)]),
];

/** Whether both have the same title, but for spaces and capitals. @param {Subtask} a @param {Subtask} b */
export const sameTitle = (a, b) => plain(a.title) === plain(b.title);

/** The pairs of letters in a title, which serve any script. @param {string} title */
function twosOf(title) {
  const letters = [...plain(title)];
  return new Set(letters.slice(1).map((letter, n) => `${letters[n]}${letter}`));
}

/** How much of two sets is the same, from 0 to 1 (Dice). @param {Set<string>} a @param {Set<string>} b */
const likeness = (a, b) => (2 * [...a].filter((two) => b.has(two)).length) / Math.max(1, a.size + b.size);

/**
 * Of what is left, the most alike first. A key says little by itself: planners call what they plan task-1, task-2.
 * @param {Subtask[]} left
 * @param {ReadonlySet<Subtask>} right
 * @returns {[Subtask, Subtask][]}
 */
function alike(left, right) {
  const twos = new Map([...left, ...right].map((subtask) => [subtask, twosOf(subtask.title)]));
  const same = (/** @type {Subtask} */ a, /** @type {Subtask} */ b) => likeness(twos.get(a) ?? new Set(), twos.get(b) ?? new Set());
  const found = left.flatMap((a) =>
    [...right].flatMap((b) => {
      const score = a.kind === b.kind ? same(a, b) + (a.key === b.key ? ALIKE / 2 : 0) : 0;
      return score >= ALIKE ? [{ a, b, score }] : [];
    }),
  );
  /** @type {Set<Subtask>} */
  const taken = new Set();
  /** @type {[Subtask, Subtask][]} */
  const chosen = [];
  for (const { a, b } of found.toSorted((one, other) => other.score - one.score)) {
    if (taken.has(a) || taken.has(b)) continue;
    taken.add(a).add(b);
    chosen.push([a, b]);
  }
  return chosen;
}

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
  for (const [a, b] of alike(left.filter((subtask) => !partners.has(subtask)), free)) {
    partners.set(a, b);
    free.delete(b);
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

/** @typedef {{from: number, to: number}} Stretch */

/** When a subtask was at work, not queued and not waiting for a person. @param {Subtask} subtask @param {number} now @returns {Stretch[]} */
const workOf = ({ spans }, now) =>
  spans.filter(({ state }) => state === "running").map(({ from, to }) => ({ from: Date.parse(from), to: to === null ? now : Date.parse(to) }));

/** How long stretches are together; where they overlap counts once. @param {Stretch[]} stretches */
function covered(stretches) {
  let [sum, end] = [0, -Infinity];
  for (const { from, to } of stretches.toSorted((a, b) => a.from - b.from)) {
    sum += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return sum;
}

/** How long a subtask that has ended was at work, in milliseconds; null while it goes on, or when it was never begun. @param {Subtask} subtask */
export const took = (subtask) => (subtask.startedAt && subtask.endedAt ? covered(workOf(subtask, Date.parse(subtask.endedAt))) : null);

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
    working: covered(subtasks.flatMap((subtask) => workOf(subtask, end))),
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
