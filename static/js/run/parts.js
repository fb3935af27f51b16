/**
 * The parts of the run page that most visits never need: where each comes from, and when it is wanted. Those in a panel
 * that is not open are not asked for at all.
 *
 * @import { View } from "../types.d.ts"
 */

import { runEnded } from "./reducer.js";

/** @param {View} view */
const failing = (view) =>
  Boolean(view.error || view.stopReason) || Object.values(view.subtasks).some((each) => each.status === "failed" || each.retrying);

/** @type {Record<string, {load: () => Promise<unknown>, wanted: (view: View) => boolean}>} */
const LATER = {
  "plan-editor": { load: () => import("./plan-editor.js"), wanted: (view) => view.status === "awaiting_approval" },
  "run-budget": { load: () => import("./run-budget.js"), wanted: (view) => Boolean(view.stopReason) && runEnded(view.status) },
  "run-causes": { load: () => import("./run-causes.js"), wanted: failing },
  "run-graph": { load: () => import("./run-graph.js"), wanted: () => true },
  "run-timeline": { load: () => import("./run-timeline.js"), wanted: () => true },
  "run-votes": { load: () => import("./run-votes.js"), wanted: (view) => Boolean(view.votes) },
};

/** What is on its way. @type {Map<string, Promise<unknown>>} */
const coming = new Map();

/**
 * Whether the part can draw. If not, and the view wants it, it is fetched, and `come()` called once it is there.
 *
 * @param {HTMLElement} part
 * @param {View} view
 * @param {() => void} come
 */
export function isThere({ localName: name }, view, come) {
  const later = LATER[name];
  if (!later || customElements.get(name)) return true;
  if (!coming.has(name) && later.wanted(view)) {
    // A module that did not come is asked for again the next time.
    coming.set(name, later.load().then(come, () => coming.delete(name)));
  }
  return false;
}

/** Fetch all of them now. */
export const loadAll = () => Promise.all(Object.values(LATER).map(({ load }) => load()));
