/**
 * A JSON document as the lines of a tree, alone or held against another one. Pure, so that Node can test it.
 *
 * @import { Blame, Blames, Maybe, Row, Value } from "./types.d.ts"
 */

import { isBranch, shown } from "../lib/json-tree.js";
import { pointer, tokensOf } from "./ops.js";

/** Branches open by themselves down to here, unless they are long. */
const OPEN_DEPTH = 2;
const OPEN_SIZE = 20;

/** Whether two values are the same JSON. @param {Maybe} one @param {Maybe} other @returns {boolean} */
export function same(one, other) {
  if (one === other) return true;
  if (one === null || other === null || typeof one !== "object" || typeof other !== "object") return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  const [left, right] = [/** @type {Record<string, Value>} */ (one), /** @type {Record<string, Value>} */ (other)];
  return keys.every((key) => Object.hasOwn(right, key) && same(left[key], right[key]));
}

/** Which branches are open: what somebody opened or closed, and else all, none, or the first levels. */
export class Folds {
  constructor() {
    /** @type {Map<string, boolean>} */
    this.chosen = new Map();
    /** @type {"some" | "all" | "none"} */
    this.rest = "some";
  }

  /** @param {string} path @param {boolean} open */
  set(path, open) {
    this.chosen.set(path, open);
  }

  /** Open or close everything. @param {"all" | "none"} rest */
  every(rest) {
    this.rest = rest;
    this.chosen.clear();
  }

  /** Open what stands above the path. @param {string} path */
  reveal(path) {
    const tokens = tokensOf(path);
    for (let n = 1; n < tokens.length; n++) this.chosen.set(pointer(tokens.slice(0, n)), true);
  }

  /** @param {string} path @param {number} level @param {number} size @param {boolean} differs */
  isOpen(path, level, size, differs) {
    const chosen = this.chosen.get(path);
    if (chosen !== undefined) return chosen;
    if (this.rest !== "some") return this.rest === "all";
    return differs || (level <= OPEN_DEPTH && size <= OPEN_SIZE);
  }
}

/** @param {Maybe} value @returns {Record<string, Value>} */
const membersOf = (value) =>
  value !== null && typeof value === "object" ? /** @type {Record<string, Value>} */ (value) : {};

/** The keys of both, in the order of the later document; what is gone stands after what it stood behind. */
function keysOf(/** @type {Maybe} */ value, /** @type {Maybe} */ before) {
  const keys = Object.keys(membersOf(value));
  if (before === value) return keys;
  const known = new Set(keys);
  let at = 0;
  for (const key of Object.keys(membersOf(before))) {
    if (known.has(key)) at = keys.indexOf(key) + 1;
    else keys.splice(at++, 0, key);
  }
  return keys;
}

/** @param {Maybe} value @param {Maybe} before @returns {Row["change"]} */
function changeOf(value, before) {
  if (value === before) return "";
  if (before === undefined) return "added";
  if (value === undefined) return "removed";
  if (same(value, before)) return "";
  const alike = typeof value === "object" && typeof before === "object" && value !== null && before !== null;
  return alike && Array.isArray(value) === Array.isArray(before) ? "inside" : "changed";
}

/**
 * The lines of a document, those of closed branches left out. With `before` they tell what became of each path since;
 * `only` leaves out what has not changed.
 *
 * @param {Value} data
 * @param {Folds} folds
 * @param {{ before?: Value, only?: boolean }} [options]
 * @returns {Row[]}
 */
export function rowsOf(data, folds, { before, only = false } = {}) {
  const compares = before !== undefined;
  /** @type {Row[]} */
  const rows = [];
  /** @param {Maybe} value @param {Maybe} old @param {string} path @param {number} level */
  const walk = (value, old, path, level) => {
    let keys = keysOf(value, old);
    const [now, then] = [membersOf(value), membersOf(old)];
    if (only) keys = keys.filter((key) => changeOf(own(now, key), own(then, key)));
    keys.forEach((key, index) => {
      const [member, was] = [own(now, key), own(then, key)];
      const change = compares ? changeOf(member, was) : "";
      const at = `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const inner = change === "inside";
      const branch = isBranch(member ?? was) || (inner && isBranch(was));
      const members = branch ? keysOf(member, inner ? was : member ?? was).length : 0;
      const open = branch && folds.isOpen(at, level, members, inner);
      rows.push({ path: at, key, level, index: index + 1, size: keys.length, branch, open, value: member, before: was, change });
      if (!open) return;
      // What became another kind of thing holds only what is new.
      if (change === "removed") walk(undefined, was, at, level + 1);
      else walk(member, change === "changed" ? undefined : was, at, level + 1);
    });
  };
  walk(data, compares ? before : data, "", 1);
  return rows;
}

/** @param {Record<string, Value>} members @param {string} key @returns {Maybe} */
const own = (members, key) => (Object.hasOwn(members, key) ? members[key] : undefined);

/**
 * The paths whose key or value has the words in it, in the order of the document.
 *
 * @param {Value} data
 * @param {string} words
 * @returns {string[]}
 */
export function findIn(data, words) {
  const wanted = words.trim().toLowerCase();
  /** @type {string[]} */
  const found = [];
  if (!wanted) return found;
  // A path is looked for as one: /budget/sails.
  const asPath = wanted.startsWith("/");
  /** @param {Value} value @param {string} path */
  const walk = (value, path) => {
    for (const [key, member] of Object.entries(membersOf(value))) {
      const at = path + pointer([key]);
      const text = asPath ? at : isBranch(member) ? key : `${key}\n${shown(member)}`;
      if (text.toLowerCase().includes(wanted)) found.push(at);
      if (isBranch(member)) walk(member, at);
    }
  };
  walk(data, "");
  return found;
}

/**
 * Who wrote what stands at a path last: of a branch, the newest of those under it.
 *
 * @param {Blames} blame
 * @param {string} path
 * @returns {Blame | null}
 */
export function blameAt(blame, path) {
  const exact = blame[path];
  if (exact) return exact;
  const under = `${path}/`;
  /** @type {Blame | null} */
  let newest = null;
  for (const [at, wrote] of Object.entries(blame)) {
    if (at.startsWith(under) && (!newest || wrote.version > newest.version)) newest = wrote;
  }
  return newest;
}

/** How many members each kind of change has. @param {Value} data @param {Value} before */
export function changesIn(data, before) {
  /** @type {Record<"added" | "removed" | "changed", number>} */
  const count = { added: 0, removed: 0, changed: 0 };
  /** @param {Maybe} value @param {Maybe} old */
  const walk = (value, old) => {
    const change = changeOf(value, old);
    if (change === "added" || change === "removed" || change === "changed") count[change] += 1;
    if (change !== "inside") return;
    const [now, then] = [membersOf(value), membersOf(old)];
    for (const key of keysOf(value, old)) walk(own(now, key), own(then, key));
  };
  walk(data, before);
  return count;
}

/**
 * Which rows of a long tree are drawn: those in view and some beside them.
 *
 * @param {{ count: number, top: number, height: number, row: number, margin?: number }} view
 */
export function windowOf({ count, top, height, row, margin = 12 }) {
  const first = Math.max(0, Math.min(count, Math.floor(top / row) - margin));
  const last = Math.min(count, Math.ceil((top + height) / row) + margin);
  return { first, last: Math.max(first, last) };
}
