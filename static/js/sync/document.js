/**
 * One state as its page shows it: the document, who wrote what, and what changed lately. Pure, so that Node can test it.
 *
 * @import { Blames, Change, Value } from "./types.d.ts"
 * @typedef {{ version: number, agent: string, at: string, paths: string[] }} Recent
 */

import { children, isBranch } from "../lib/json-tree.js";
import { overlap, written } from "./ops.js";

/** Changes whose writers are remembered until the server tells of them. */
const KEPT = 200;

export class SharedDocument {
  by = "";
  /** @type {Blames} */
  blame = {};
  /** @type {Recent[]} */
  recent = [];

  /** @param {{ uid: string, version: number, data: Value }} begun */
  constructor({ uid, version, data }) {
    this.uid = uid;
    this.version = version;
    this.data = data;
  }

  /**
   * The server's account, with who wrote what; what came by the socket since is put upon it.
   *
   * @param {{ uid: string, version: number, data: Value, by: string, blame: Blames }} told
   */
  tell({ uid, version, data, by, blame }) {
    if (uid === this.uid && version < this.version) {
      this.blame = blame;
      for (const change of this.recent.filter((each) => each.version > version)) this.#sign(change);
      return;
    }
    Object.assign(this, { uid, version, data, by, blame });
    this.recent = [];
  }

  /** A change that came by the socket; gives the paths that it wrote. @param {Pick<Change, "before" | "after" | "entry">} change @returns {string[]} */
  take({ before, after, entry }) {
    if (!after) return [];
    const again = !before || before.uid !== after.uid || !entry;
    Object.assign(this, { uid: after.uid, version: after.v, data: after.data });
    if (again) this.blame = {};
    if (!entry) return [];
    this.by = entry.by;
    const change = { version: entry.v, agent: entry.by, at: entry.at, paths: written(entry.ops ?? []) };
    this.recent = [...this.recent.slice(1 - KEPT), change];
    this.#sign(change);
    return change.paths;
  }

  /** Put a change's writer beside each leaf that it wrote. @param {Recent} change */
  #sign({ version, agent, at, paths }) {
    const blame = Object.entries(this.blame).filter(([path]) => !paths.some((each) => each === "" || overlap(path, each)));
    const signed = { agent, version, at };
    const found = paths.flatMap((path) => leavesAt(this.data, path)).map((path) => [path, signed]);
    this.blame = Object.fromEntries([...blame, ...found]);
  }
}

/** Pointers of all scalars and empty containers at or under the path. @param {Value} data @param {string} path @returns {string[]} */
function leavesAt(data, path) {
  let [value, found] = [data, ""];
  while (found !== path) {
    const next = children(value, found).find((each) => path === each.path || path.startsWith(`${each.path}/`));
    if (!next) return [];
    ({ value, path: found } = next);
  }
  return leaves(value, path);
}

/** @param {Value} value @param {string} path @returns {string[]} */
function leaves(value, path) {
  return isBranch(value) ? children(value, path).flatMap((each) => leaves(each.value, each.path)) : [path];
}
