/**
 * Choosing, path by path, what becomes of a conflict. Pure, so that Node can test it.
 *
 * @typedef {"base" | "theirs" | "mine" | "value"} Side
 */

export class Picks {
  /** @param {string[]} paths @param {Record<string, Side>} [picked] */
  constructor(paths, picked = {}) {
    this.paths = paths;
    /** @type {Map<string, Side>} */
    this.picked = new Map(Object.entries(picked));
    this.at = 0;
  }

  get path() {
    return this.paths[this.at] ?? "";
  }

  /** Paths that nothing was chosen for. */
  get open() {
    return this.paths.filter((path) => !this.picked.has(path));
  }

  /** @param {string} path @param {Side} side */
  pick(path, side) {
    this.picked.set(path, side);
  }

  /** Go on or back by that many paths, and round at the ends. @param {number} by */
  go(by) {
    const count = this.paths.length;
    if (count) this.at = (this.at + by + count) % count;
    return this.path;
  }

  /** Go to the next path that is still open, if there is one. */
  goOn() {
    const count = this.paths.length;
    for (let n = 1; n <= count; n++) {
      const at = (this.at + n) % count;
      if (!this.picked.has(this.paths[at] ?? "")) {
        this.at = at;
        return true;
      }
    }
    return false;
  }
}
