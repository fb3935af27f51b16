/** Two texts and what differs between them, as elements; what is equal in both folds away. */

/** @import { Line } from "./compare-diff.js" */

import { h } from "../lib/dom.js";
import { fill, gettext, ngettext } from "../lib/i18n.js";
import { diffLines, folded } from "./compare-diff.js";

const SIGNS = { same: " ", gone: "−", new: "+", skip: "⋯" };

/**
 * The difference of two results, for whoever reads it with eyes or ears.
 * @param {string} before
 * @param {string} after
 */
export function differenceOf(before, after) {
  if (!before && !after) return h("p", { class: "empty-line" }, gettext("Neither has a result."));
  const lines = diffLines(before.trim(), after.trim());
  const gone = lines.filter(({ kind }) => kind === "gone").length;
  const came = lines.filter(({ kind }) => kind === "new").length;
  if (!gone && !came) return h("p", { class: "empty-line" }, gettext("Both are the same, word for word."));
  const words = [
    fill(ngettext("%(n)s line only in A", "%(n)s lines only in A", gone), { n: gone }),
    fill(ngettext("%(n)s line only in B", "%(n)s lines only in B", came), { n: came }),
  ];
  const rows = folded(lines).map(lineOf);
  const label = gettext("What differs between the results");
  return h("div", {}, h("p", { class: "hint" }, words.join(", ")), h("div", { class: "compare-diff", tabIndex: 0, role: "region", "aria-label": label }, ...rows));
}

/** @param {Line} line */
function lineOf({ kind, text, n = 0 }) {
  const sign = h("span", { class: "compare-sign", "aria-hidden": "true" }, SIGNS[kind]);
  if (kind === "skip") {
    return h("p", { class: "compare-line", "data-kind": kind }, sign, fill(ngettext("%(n)s equal line", "%(n)s equal lines", n), { n }));
  }
  const side = { same: "", gone: gettext("Only in A:"), new: gettext("Only in B:") }[kind];
  return h("p", { class: "compare-line", "data-kind": kind }, sign, side && h("span", { class: "visually-hidden" }, side), text);
}
