/**
 * The lines of the log. An agent that writes says each piece by itself, and hundreds of pieces would hide the few
 * events that matter: those that follow each other share one line, which tells their numbers and opens into lines of
 * their own. Nothing is left out, and who filters the log by kind or by words sees each event alone. Pure.
 */

/** @import { RunEvent } from "../types.d.ts" */

import { fill, gettext, ngettext } from "../lib/i18n.js";
import { number } from "../lib/time.js";
import { sentence } from "./words.js";

/** No line has room for more of a text. */
const ENOUGH = 200;

/** How many of the numbers, which ascend, are less than `n`. @param {readonly number[]} numbers @param {number} n */
export function below(numbers, n) {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {number} */ (numbers[middle]) < n) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @param {RunEvent | undefined} event */
const isPiece = (event) => event?.type === "text.delta";

export class LogLines {
  /** Which of the rows each line begins with. @type {number[]} */
  #starts = [];
  /** The numbers of the events that begin a stretch that was opened. @type {Set<number>} */
  #open = new Set();
  /** How many rows have been put into lines. */
  #read = 0;
  /** Whether the last of them belongs to a stretch that is open. */
  #opened = false;

  /** Begin anew: the rows are others. */
  reset() {
    this.#starts = [];
    this.#read = 0;
  }

  /**
   * Put the rows that have come into lines.
   * @param {readonly number[]} rows - the places in the log of what is shown
   * @param {readonly RunEvent[]} events
   * @param {boolean} folds - whether pieces of text share a line
   */
  take(rows, events, folds) {
    for (; this.#read < rows.length; this.#read += 1) {
      const event = events[rows[this.#read] ?? -1];
      const goesOn = isPiece(event) && isPiece(events[rows[this.#read - 1] ?? -1]);
      if (!goesOn) this.#opened = this.#open.has(event?.seq ?? 0);
      if (!goesOn || !folds || this.#opened) this.#starts.push(this.#read);
    }
  }

  /** Whether this event begins a stretch that was opened. @param {RunEvent} event */
  isOpen({ seq }) {
    return this.#open.has(seq);
  }

  /** How many lines the first `n` rows take. @param {number} n */
  countOf(n) {
    return below(this.#starts, n);
  }

  /** The line that a row is in. @param {number} row */
  lineOf(row) {
    return below(this.#starts, row + 1) - 1;
  }

  /** The rows of a line when there are only `n`: from the first to before `to`. @param {number} line @param {number} n */
  rowsOf(line, n) {
    return { from: this.#starts[line] ?? n, to: Math.min(this.#starts[line + 1] ?? n, n) };
  }

  /**
   * Open the stretch that this row is in, or close it. Tells whether there was one to open or to close; the rows are
   * to be put into lines again then.
   * @param {number} row @param {readonly number[]} rows @param {readonly RunEvent[]} events @param {boolean} open
   */
  turn(row, rows, events, open) {
    const at = (/** @type {number} */ n) => events[rows[n] ?? -1];
    if (!isPiece(at(row))) return false;
    let first = row;
    while (isPiece(at(first - 1))) first -= 1;
    const { seq } = /** @type {RunEvent} */ (at(first));
    if (this.#open.has(seq) === open || !(first < row || isPiece(at(row + 1)))) return false;
    if (open) this.#open.add(seq);
    else this.#open.delete(seq);
    this.reset();
    return true;
  }
}

/**
 * What several pieces of text say on one line: who wrote, the beginning of it, and how much it is.
 * @param {readonly RunEvent[]} pieces - two or more
 */
export function foldWords(pieces) {
  const [first] = pieces;
  const agents = [...new Set(pieces.map(({ agent_id: agent }) => agent ?? ""))];
  const n = pieces.length;
  const count = fill(ngettext("%(n)s piece", "%(n)s pieces", n), { n: number(n) });
  const range = fill(gettext("Events %(from)s to %(to)s: each by itself with → or a click"), { from: number(first?.seq ?? 0), to: number(pieces.at(-1)?.seq ?? 0) });
  if (!first || agents.length > 1) {
    const who = fill(ngettext("%(n)s agent", "%(n)s agents", agents.length), { n: number(agents.length) });
    return { who, text: agents.join(", "), count, range };
  }
  let said = "";
  for (const { data } of pieces) {
    said += String(Reflect.get(data, "text") ?? "");
    if (said.trimStart().length > ENOUGH) break;
  }
  return { who: agents[0] ?? "", text: sentence(/** @type {RunEvent} */ ({ ...first, data: { text: said } })), count, range };
}
