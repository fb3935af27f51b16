/**
 * The timeline's arithmetic: what each subtask's bars are, which stretches are idle, and where a moment stands on an
 * axis that leaves those out and may be zoomed. Times are milliseconds since the run was queued. Pure.
 */

/** @import { Subtask, View } from "../types.d.ts" */

import { clock, durationIn } from "../lib/time.js";

/** @typedef {"queued" | "backoff" | "running" | "waiting" | "completed" | "failed" | "handed" | "cancelled"} BarState */
/** @typedef {{state: BarState, from: number, to: number | null, attempt: number}} Bar `to` is null while it grows */
/** @typedef {{from: number, to: number}} Stretch */
/** @typedef {{from: number, to: number, x: number, end: number, idle: boolean}} Piece a stretch and where it is drawn, in shares of the axis */

/** What is idle for less is left as it is: in milliseconds, and as a share of the whole. */
const IDLE = 2000;
const IDLE_SHARE = 0.04;
/** How wide an idle stretch that is left out is drawn: a share of what is left. */
const BREAK_SHARE = 0.02;
/** The nearest that one may zoom, in milliseconds. */
export const NEAREST = 50;

/**
 * The bars of a subtask: when it was in the queue, at work (a bar for each attempt), backing off, waiting for an answer.
 * @param {Subtask} subtask @param {number} start - when the run was queued
 * @returns {Bar[]}
 */
export function barsOf(subtask, start) {
  let attempt = 1;
  let failed = false;
  return subtask.spans.map((span, index) => {
    const next = subtask.spans[index + 1];
    const [from, to] = [Date.parse(span.from) - start, span.to === null ? null : Date.parse(span.to) - start];
    const handed = subtask.handovers.some(({ at }) => Date.parse(at) >= from + start && to !== null && Date.parse(at) <= to + start);
    /** @type {BarState} */
    let state = "running";
    if (span.state === "ready") state = failed ? "backoff" : "queued";
    else if (span.state === "waiting") state = "waiting";
    else if (handed) state = "handed";
    else if (next?.state === "ready") state = "failed";
    else if (!next && to !== null) state = /** @type {BarState} */ (subtask.status);
    else if (to !== null) state = "completed"; // it went as far as its question
    const bar = { state, from, to, attempt };
    if (span.state === "running") {
      failed = state === "failed";
      attempt = handed ? 1 : attempt + Number(failed);
    }
    return bar;
  });
}

/**
 * The stretches in which nothing is at work, long enough to be left out.
 * @param {Iterable<Bar>} bars @param {number} total
 * @returns {Stretch[]}
 */
export function idleStretches(bars, total) {
  const busy = [...bars]
    .filter(({ state }) => !["queued", "backoff", "waiting"].includes(state))
    .map(({ from, to }) => ({ from, to: to ?? total }))
    .toSorted((a, b) => a.from - b.from);
  const idle = [];
  let end = 0;
  for (const { from, to } of [...busy, { from: total, to: total }]) {
    if (from - end >= Math.max(IDLE, total * IDLE_SHARE)) idle.push({ from: end, to: from });
    end = Math.max(end, to);
  }
  return idle;
}

/** Whether a run at which somebody worked was idle for more than half of its time. @param {Stretch[]} idle @param {number} total */
export function isMostlyIdle(idle, total) {
  const sum = idle.reduce((all, { from, to }) => all + to - from, 0);
  return sum > total / 2 && sum < total;
}

/** Where moments stand on the axis. */
export class Axis {
  /** @type {Piece[]} */
  pieces = [];
  #low = 0;
  #high = 1;

  /**
   * @param {number} total - the whole, in milliseconds
   * @param {Stretch[]} idle - what is left out, in order
   * @param {{from: number | null, to: number | null}} [zoom] - what is shown of it
   */
  constructor(total, idle = [], { from, to } = { from: null, to: null }) {
    this.total = Math.max(1, total);
    const left = this.total - idle.reduce((sum, stretch) => sum + stretch.to - stretch.from, 0);
    const width = Math.max(1, left * BREAK_SHARE);
    let [at, x] = [0, 0];
    const add = (/** @type {number} */ end, /** @type {number} */ size, /** @type {boolean} */ isIdle) => {
      if (end > at) this.pieces.push({ from: at, to: end, x, end: (x += size), idle: isIdle });
      at = end;
    };
    for (const stretch of idle) {
      add(stretch.from, stretch.from - at, false);
      add(stretch.to, width, true);
    }
    add(this.total, this.total - at, false);
    this.#high = x;
    const [low, high] = [from === null ? 0 : this.#place(from), to === null ? x : this.#place(to)];
    if (high > low) [this.#low, this.#high] = [low, high];
    this.zoomed = from !== null || to !== null;
  }

  /** @param {number} time */
  #place(time) {
    const piece = this.pieces.find((one) => time <= one.to) ?? this.pieces.at(-1);
    if (!piece) return 0;
    const share = Math.max(0, Math.min(1, (time - piece.from) / (piece.to - piece.from)));
    return piece.x + share * (piece.end - piece.x);
  }

  /** Where a moment stands: 0 at the start of what is shown, 1 at its end; beyond them outside. @param {number} time */
  x(time) {
    return (this.#place(time) - this.#low) / (this.#high - this.#low);
  }

  /** The moment at a place. @param {number} x */
  time(x) {
    const place = this.#low + x * (this.#high - this.#low);
    const piece = this.pieces.find((one) => place <= one.end) ?? this.pieces.at(-1);
    if (!piece) return 0;
    const share = Math.max(0, Math.min(1, (place - piece.x) / (piece.end - piece.x)));
    return piece.from + share * (piece.to - piece.from);
  }

  /** What is left out, where it is drawn. */
  get breaks() {
    const size = this.#high - this.#low;
    return this.pieces
      .filter(({ idle, x, end }) => idle && end > this.#low && x < this.#high)
      .map(({ from, to, x, end }) => ({ from, to, x: (x - this.#low) / size, end: (end - this.#low) / size }));
  }

  /** Moments to write under the axis, at most about so many. @param {number} [most] */
  ticks(most = 8) {
    const [from, to] = [this.time(0), this.time(1)];
    const shown = (this.#high - this.#low) / most;
    const step = STEPS.find((one) => one >= shown) ?? Math.ceil(shown / 86_400_000) * 86_400_000;
    const ticks = [];
    let last = -1;
    // In a long idle stretch there are many steps, of which none is drawn: over it in one.
    for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
      const gap = this.pieces.find((piece) => piece.idle && time > piece.from && time < piece.to);
      if (gap) {
        time = Math.ceil(gap.to / step) * step - step;
        continue;
      }
      const x = this.x(time);
      if (x - last < 0.6 / most || x > 1) continue;
      ticks.push({ time, x });
      last = x;
    }
    return ticks;
  }

  /**
   * What is shown after zooming by a factor about a place, or moving by a share of what is shown: {from, to}, both
   * null when that is everything.
   * @param {{by?: number, at?: number, move?: number}} how
   */
  zoom({ by = 1, at = 0.5, move = 0 }) {
    const size = 1 / by;
    const low = at - size * at + move;
    let [from, to] = [this.#whole(low), this.#whole(low + size)];
    const whole = this.pieces.at(-1)?.end ?? 1;
    if (to > whole) [from, to] = [Math.max(0, from - (to - whole)), whole];
    if (from < 0) [from, to] = [0, Math.min(whole, to - from)];
    if (from <= 0 && to >= whole) return { from: null, to: null };
    const times = new Axis(this.total, this.pieces.filter(({ idle }) => idle));
    return nearestAllowed(times.time(from / whole), times.time(to / whole));
  }

  /** @param {number} x */
  #whole(x) {
    return this.#low + x * (this.#high - this.#low);
  }
}

/** @param {number} from @param {number} to */
export function nearestAllowed(from, to) {
  const [low, high] = [Math.round(Math.min(from, to)), Math.round(Math.max(from, to))];
  if (high - low >= NEAREST) return { from: low, to: high };
  const middle = (low + high) / 2;
  return { from: Math.max(0, Math.round(middle - NEAREST / 2)), to: Math.max(0, Math.round(middle - NEAREST / 2)) + NEAREST };
}

const STEPS = [10, 20, 50, 100, 200, 500, ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400].map((s) => s * 1000)];

/**
 * What stands under a tick, as finely as what is shown asks for: 4 s, 4.5 s, 4.250 s, 1:15, 1:15.250.
 * @param {number} time @param {number} shown - how long a stretch the axis shows
 */
export function tickWords(time, shown) {
  const rest = Math.round(time) % 1000;
  if (!rest && shown >= 1000) return clock(time);
  const digits = shown < 1000 ? 3 : 1;
  return time < 60_000 ? durationIn(time, 0, digits) : `${clock(time)}.${String(rest).padStart(3, "0").slice(0, digits)}`;
}

/**
 * How long the run has been at it: to its end, or now, but never short of an event, whose clock may be ahead of ours.
 * @param {View} view @param {number} now @param {boolean} ended
 */
export function lengthOf(view, now, ended) {
  const start = Date.parse(view.queuedAt ?? view.lastAt ?? "");
  const ends = ended ? [Date.parse(view.endedAt ?? "")] : [now];
  return Math.max(1000, ...[...ends, Date.parse(view.lastAt ?? "")].map((end) => end - start).filter(Number.isFinite));
}
