/**
 * The parts of the run page that many visits never need: where each comes from, and when it is wanted. Those in a panel
 * that is not open are not asked for at all.
 *
 * @import { View } from "../types.d.ts"
 */

import { h } from "../lib/dom.js";
import { gettext, textsOf } from "../lib/i18n.js";
import { notify } from "../lib/notices.js";
import { runEnded } from "./reducer.js";

/** @param {View} view */
const failing = (view) =>
  Boolean(view.error || view.stopReason) || Object.values(view.subtasks).some((each) => each.status === "failed" || each.retrying);

/** @type {Record<string, {module: () => Promise<unknown>, sheets?: string[], wanted: (view: View) => boolean}>} */
const LATER = {
  "plan-editor": {
    module: () => import("./plan-editor.js"),
    sheets: ["plan-editor", "graph"],
    wanted: (view) => view.status === "awaiting_approval",
  },
  "run-budget": { module: () => import("./run-budget.js"), wanted: (view) => Boolean(view.stopReason) && runEnded(view.status) },
  "run-causes": { module: () => import("./run-causes.js"), wanted: failing },
  "run-graph": { module: () => import("./run-graph.js"), sheets: ["graph"], wanted: () => true },
  "run-replay": { module: () => import("./run-replay.js"), sheets: ["run-replay"], wanted: (view) => view.last_seq > 1 },
  "run-timeline": { module: () => import("./run-timeline.js"), sheets: ["run-timeline"], wanted: () => true },
  "run-votes": { module: () => import("./run-votes.js"), sheets: ["run-votes"], wanted: (view) => Boolean(view.votes) },
};

/** What is on its way, and what is there. @type {Map<string, Promise<unknown>>} */
const coming = new Map();
/** @type {Set<string>} */
const there = new Set();

/** Those that are told when they are there. @type {WeakSet<Element>} */
const waiting = new WeakSet();

/** Milliseconds: what did not come is not asked for again before, and not told of again before. */
const AGAIN = 3_000;
const TELL_AGAIN = 30_000;
/** When a part did not come, and when that was told. @type {Map<string, {at: number, told: number}>} */
const failures = new Map();

/** Fetch a sheet of `css/run/`, once. @param {string} name */
function sheet(name) {
  const { href } = new URL(`../../css/run/${name}.css`, import.meta.url);
  const found = coming.get(href);
  if (found) return found;
  const arrival = new Promise((onload, onerror) => {
    document.head.append(h("link", { rel: "stylesheet", href, onload, onerror }));
  });
  coming.set(href, arrival);
  arrival.catch(() => coming.delete(href));
  return arrival;
}

/** @param {string} name */
function load(name) {
  const found = coming.get(name);
  if (found) return found;
  const { module, sheets = [] } = LATER[name] ?? { module: () => Promise.resolve() };
  const arrival = Promise.all([textsOf(`run/${name}.js`).then(module), ...sheets.map(sheet)]).then(() => there.add(name));
  coming.set(name, arrival);
  // What did not come is asked for again the next time.
  arrival.catch(() => coming.delete(name));
  return arrival;
}

/**
 * Whether the part can draw. If not, and the view wants it, it is fetched, and `come()` called once it is there.
 *
 * @param {HTMLElement} part
 * @param {View} view
 * @param {() => void} come
 */
export function isThere(part, view, come) {
  const { localName: name } = part;
  const later = LATER[name];
  if (!later || there.has(name)) return true;
  if (!waiting.has(part) && later.wanted(view)) {
    const before = failures.get(name) ?? { at: -Infinity, told: -Infinity };
    const early = before.at + AGAIN - Date.now();
    waiting.add(part);
    if (early > 0) {
      setTimeout(() => {
        waiting.delete(part);
        come();
      }, early);
      return false;
    }
    const failed = () => {
      const at = Date.now();
      // Whoever has opened a view waits for it; the other parts come the next time.
      const tells = Boolean(part.closest("[role=tabpanel]")) && at - before.told > TELL_AGAIN;
      failures.set(name, { at, told: tells ? at : before.told });
      if (tells) notify(gettext("The server did not answer. Check the connection and try again."), "error");
    };
    load(name).then(come, failed).finally(() => waiting.delete(part));
  }
  return false;
}

/** Fetch these parts now. @param {...string} names */
export const fetchParts = (...names) => void Promise.allSettled(names.map(load));
