/**
 * A log as a film: when each event is due, and which one is on at a time. Times are milliseconds from the first
 * event; gaps between events are as they were, or (for who will not wait) no longer than `LONGEST`. Pure.
 */

/** @import { RunEvent } from "../types.d.ts" */

/** The speeds one may choose. */
export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20];
/** The longest time in which nothing happens, when idle stretches are cut short. */
export const LONGEST = 2000;

export class Film {
  /** When each event is due. @type {number[]} */
  #due = [];
  /** When each event was. @type {number[]} */
  #was = [];
  #short = false;

  /** Take in the next events. @param {Iterable<Pick<RunEvent, "at">>} events */
  take(events) {
    for (const { at } of events) this.#push(Date.parse(at));
  }

  /** Cut idle stretches short, or no longer; answers whether that is a change. @param {boolean} short */
  shorten(short) {
    if (short === this.#short) return false;
    this.#short = short;
    const all = this.#was;
    this.#was = [];
    this.#due = [];
    for (const at of all) this.#push(at);
    return true;
  }

  /** @param {number} at */
  #push(at) {
    // Clocks of several machines: what comes later in the log is never earlier in the film.
    const gap = Math.max(0, at - (this.#was.at(-1) ?? at));
    this.#due.push((this.#due.at(-1) ?? 0) + (this.#short ? Math.min(gap, LONGEST) : gap));
    this.#was.push(Math.max(at, this.#was.at(-1) ?? at));
  }

  /** How many events there are. */
  get events() {
    return this.#due.length;
  }

  /** How long it plays at the speed of life. */
  get length() {
    return this.#due.at(-1) ?? 0;
  }

  /** When the event `n` is due. @param {number} n */
  due(n) {
    return this.#due[Math.max(0, Math.min(n, this.events) - 1)] ?? 0;
  }

  /** How long after the first event the event `n` really was. @param {number} n */
  since(n) {
    const first = this.#was[0] ?? 0;
    return (this.#was[Math.max(0, Math.min(n, this.events) - 1)] ?? first) - first;
  }

  /** The last event that is due by then; at least the first. @param {number} time */
  on(time) {
    let [low, high] = [1, this.events];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.due(middle) <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Where in the film one is, also between two events. */
export class Player {
  time = 0;
  playing = false;

  /** @param {Film} film */
  constructor(film) {
    this.film = film;
  }

  /** Go to the event `n`. @param {number} n */
  seek(n) {
    this.time = this.film.due(n);
  }

  /**
   * Let so much time pass; answers the event that is on then, or null at the end of the film, where it stops.
   * @param {number} elapsed - milliseconds of the watcher's time
   * @param {number} speed
   * @returns {number | null}
   */
  advance(elapsed, speed) {
    this.time += elapsed * speed;
    if (this.time < this.film.length) return this.film.on(this.time);
    this.playing = false;
    return null;
  }

  /** The next speed up or down. @param {number} speed @param {1 | -1} step */
  static speed(speed, step) {
    const index = SPEEDS.findLastIndex((one) => one <= speed) + step;
    return SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, index))] ?? 1;
  }
}
