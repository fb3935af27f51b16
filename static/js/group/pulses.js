/**
 * How much of what passes is shown as moving light: some per line and some in all, the rest is added up and shown with
 * the next one, so that 200 events a second cost no more than a few. Pure: the time is told.
 */

/** Milliseconds that one light travels. */
export const TRAVEL = 900;

/**
 * @typedef {{most?: number, mostPerLine?: number, gap?: number}} Bounds
 */
export class Pulses {
  /** @type {Map<string, {ends: number[], last: number, held: number}>} */
  #lines = new Map();
  #most;
  #mostPerLine;
  #gap;

  /** At most `most` lights at once, `mostPerLine` on one line, and `gap` milliseconds between two of these. @param {Bounds} bounds */
  constructor({ most = 24, mostPerLine = 3, gap = 150 } = {}) {
    this.#most = most;
    this.#mostPerLine = mostPerLine;
    this.#gap = gap;
  }

  /**
   * Something passes along the line: of how many things the light that is to start now tells, or 0 for none.
   * @param {string} line
   * @param {number} now
   * @returns {number}
   */
  offer(line, now) {
    const entry = this.#lines.get(line) ?? { ends: [], last: -Infinity, held: 0 };
    this.#lines.set(line, entry);
    entry.held += 1;
    entry.ends = entry.ends.filter((end) => end > now);
    const full = entry.ends.length >= this.#mostPerLine || now - entry.last < this.#gap;
    if (full || this.travelling(now) >= this.#most) return 0;
    const told = entry.held;
    entry.held = 0;
    entry.last = now;
    entry.ends.push(now + TRAVEL);
    return told;
  }

  /** How many lights are under way. @param {number} now */
  travelling(now) {
    let sum = 0;
    for (const { ends } of this.#lines.values()) for (const end of ends) if (end > now) sum += 1;
    return sum;
  }

  /** How many things of that line no light has told of yet. @param {string} line */
  held(line) {
    return this.#lines.get(line)?.held ?? 0;
  }
}
