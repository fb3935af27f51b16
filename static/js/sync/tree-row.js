/**
 * One line of a document's tree as an element, and the words on it.
 *
 * @import { Blame, Maybe, Row } from "./types.d.ts"
 *
 * @typedef {object} Seen what a line shows besides its row
 * @property {Blame | null} blame
 * @property {{ since: number, agent: string } | null} lit
 * @property {string} words looked for
 * @property {boolean} compares
 * @property {boolean} stop whether it is the one that the tab key goes to
 */

import { hue } from "../lib/avatars.js";
import { h, icon, setStyle } from "../lib/dom.js";
import { fill, gettext, ngettext } from "../lib/i18n.js";
import { isBranch, shown, typeOf } from "../lib/json-tree.js";
import { nameOf } from "../lib/names.js";
import { ago } from "../lib/time.js";

/** Characters of a value that fit on a line of any screen. */
const FITS = 400;

/** A new line, to be filled by `fillRow`. @param {string} path */
export const newRow = (path) => h("div", { class: "tree-item", role: "treeitem", "data-path": path });

/**
 * What a line says, in short: it is filled anew only when this differs.
 *
 * @param {Row} row
 * @param {Seen} seen
 */
export function signature(row, seen) {
  const value = row.branch ? sizeOf(row.value ?? row.before) : brief(row.value);
  const before = seen.compares && row.change === "changed" ? brief(row.before) : "";
  const wrote = seen.blame;
  return [
    row.key, row.level, row.index, row.size, row.branch, row.open, row.change, value, before,
    wrote?.agent, wrote?.version, seen.lit?.since, seen.words,
  ].join("\u0001");
}

/**
 * Put a row into its line.
 *
 * @param {HTMLElement} item
 * @param {Row} row
 * @param {Seen} seen
 */
export function fillRow(item, row, seen) {
  const attributes = {
    "aria-level": row.level,
    "aria-posinset": row.index,
    "aria-setsize": row.size,
    "aria-expanded": row.branch ? String(row.open) : null,
    "data-change": row.change && row.change !== "inside" ? row.change : null,
    "data-hue": seen.lit ? hue(nameOf(seen.lit.agent)) : null,
  };
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) item.removeAttribute(name);
    else item.setAttribute(name, String(value));
  }
  // Drawn again, it goes on fading from where it was.
  const lit = seen.lit ? `${Math.round(seen.lit.since - performance.now())}ms` : "0ms";
  setStyle(item, { "--level": String(row.level - 1), "--lit": lit });
  item.classList.toggle("is-new", seen.lit !== null);
  item.replaceChildren(
    h("span", { class: "tree-turn", "aria-hidden": "true" }, row.branch && icon("chevron")),
    sign(row),
    h("span", { class: "tree-key" }, ...marked(row.key, seen.words), ":"),
    ...values(row, seen),
    seen.lit ? who(seen.lit.agent) : "",
    blamed(row, seen) ?? "",
  );
}

/** The change in a sign and, for readers of the screen, in a word. @param {Row} row */
function sign({ change }) {
  /** @type {Record<string, [string, string]>} */
  const signs = { added: ["+", gettext("added")], removed: ["−", gettext("removed")], changed: ["~", gettext("changed")] };
  const found = signs[change];
  if (!found) return "";
  return h("span", { class: "tree-sign" }, h("span", { "aria-hidden": "true" }, found[0]), h("span", { class: "visually-hidden" }, found[1]));
}

/** @param {Row} row @param {Seen} seen */
function values(row, seen) {
  const value = row.value ?? (row.change === "removed" ? row.before : undefined);
  if (row.branch) return [h("span", { class: "tree-value", "data-type": "size" }, sizeOf(row.value ?? row.before))];
  const now = h("span", { class: "tree-value", "data-type": typeOf(value) }, ...marked(brief(value), seen.words));
  if (!seen.compares || row.change !== "changed") return [now];
  return [h("span", { class: "tree-before" }, brief(row.before)), h("span", { class: "tree-to", "aria-hidden": "true" }, "→"), now];
}

/** The mark of whoever changed it just now. @param {string} agent */
const who = (agent) => h("span", { class: "tree-who" }, nameOf(agent));

/** @param {Row} row @param {Seen} seen */
function blamed(row, { blame, lit }) {
  if (!blame || row.branch || row.change === "removed") return null;
  const words = fill(gettext("%(who)s, version %(n)s"), { who: nameOf(blame.agent), n: blame.version });
  return h("span", { class: `tree-blame${lit ? " visually-hidden" : ""}` }, `${words} · ${ago(blame.at)}`);
}

/** A value on one line. @param {Maybe} value */
export function brief(value) {
  if (value === undefined) return "";
  if (isBranch(value)) return sizeOf(value);
  // Of a long text only the beginning is written out.
  if (typeof value === "string" && value.length > FITS) return `${JSON.stringify(value.slice(0, FITS)).slice(0, -1)}…`;
  return shown(value);
}

/** How much a branch holds. @param {Maybe} value */
function sizeOf(value) {
  if (Array.isArray(value)) return fill(ngettext("%(n)s item", "%(n)s items", value.length), { n: value.length });
  const n = Object.keys(value ?? {}).length;
  return fill(ngettext("%(n)s member", "%(n)s members", n), { n });
}

/** A text with what is looked for in it marked. @param {string} text @param {string} words @returns {(string | HTMLElement)[]} */
function marked(text, words) {
  const wanted = words.trim().toLowerCase();
  const at = wanted && !wanted.startsWith("/") ? text.toLowerCase().indexOf(wanted) : -1;
  if (at < 0) return [text];
  const end = at + wanted.length;
  return [text.slice(0, at), h("mark", {}, text.slice(at, end)), text.slice(end)];
}
