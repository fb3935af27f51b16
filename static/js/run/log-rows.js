/**
 * The rows of the log: what the filter lets through of what has come, put into lines, and cut off where the log is
 * held or shown as of a moment. Which events a row has, and which row an event is in. Pure.
 */

/** @import { RunEvent } from "../types.d.ts" */
/** @import { Fields } from "./focus.js" */
/** @import { RunStore } from "./store.js" */

import { LogFilter } from "./log-filter.js";
import { LogLines } from "./log-lines.js";

export class LogRows {
  filter = new LogFilter();
  #lines = new LogLines();
  /** @type {readonly RunEvent[]} */
  #events = [];
  /** How many events that the filter lets through are shown. */
  #sifted = 0;
  /** How many rows they take. */
  count = 0;

  /** Change what is wanted: the log is sifted anew at the next `take`. @param {Pick<Fields, "agents" | "types" | "q">} wanted */
  want(wanted) {
    this.filter.want(wanted);
    this.#lines.reset();
  }

  /** Read what has come. @param {RunStore} store */
  take({ events, latest }) {
    this.#events = events;
    this.filter.take(events, latest);
    this.#line();
  }

  #line() {
    this.#lines.take(this.filter.rows, this.#events, this.filter.folds);
  }

  /** Show no more than the first `n` events. @param {number} n */
  cut(n) {
    this.#sifted = this.filter.shownAt(n);
    this.count = this.#lines.countOf(this.#sifted);
  }

  /** The event that is shown at this place, whichever row it is in. @param {number} place */
  #at(place) {
    return this.#events[this.filter.rows[place] ?? -1];
  }

  /** The number of the last event of a row. @param {number} index */
  endOf(index) {
    return this.#at(this.#lines.rowsOf(index, this.#sifted).to - 1)?.seq ?? 0;
  }

  /** The event that a row begins with. @param {number} index */
  first(index) {
    return this.#at(this.#lines.rowsOf(index, this.#sifted).from);
  }

  /** The events of a row, in order. @param {number} index */
  of(index) {
    const { from, to } = this.#lines.rowsOf(index, this.#sifted);
    return Array.from({ length: to - from }, (_, n) => this.#at(from + n)).filter((event) => event !== undefined);
  }

  /** The row that an event is in; -1 if it is not shown. @param {number} seq */
  rowOf(seq) {
    const place = this.filter.shownAt(seq) - 1;
    return this.filter.rows[place] === seq - 1 && place < this.#sifted ? this.#lines.lineOf(place) : -1;
  }

  /** The first row with an event of which `is` holds; -1 if there is none. @param {(event: RunEvent) => boolean} is */
  find(is) {
    const place = this.filter.rows.findIndex((row) => {
      const event = this.#events[row];
      return event && is(event);
    });
    return place >= 0 && place < this.#sifted ? this.#lines.lineOf(place) : -1;
  }

  /** Whether this event begins pieces of text that were given rows of their own. @param {RunEvent} event */
  isOpen(event) {
    return this.filter.folds && this.#lines.isOpen(event);
  }

  /**
   * Give each piece of text around this event a row, or all of them one. Tells whether anything changed; the rows are
   * to be cut anew then.
   * @param {number} seq @param {boolean} open
   */
  turn(seq, open) {
    const place = this.filter.shownAt(seq) - 1;
    if (!this.filter.folds || !this.#lines.turn(place, this.filter.rows, this.#events, open)) return false;
    this.#line();
    return true;
  }
}
