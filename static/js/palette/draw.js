/** How the palette's options look. */

import { pieces } from "../lib/fuzzy.js";
import { h, icon } from "../lib/dom.js";
import { ago } from "../lib/time.js";
import { keyCaps } from "./caps.js";

/** @typedef {import("./options.js").Option} Option */
/** @typedef {import("./options.js").Section} Section */

/**
 * The text with its marked parts in <mark>.
 * @param {string} text
 * @param {[number, number][]} [marks]
 */
export const marked = (text, marks = []) =>
  pieces(text, marks).map((piece) => (piece.marked ? h("mark", {}, piece.text) : piece.text));

/**
 * @param {Section[]} sections
 * @returns {HTMLElement[]} the groups of a listbox; options are numbered through
 */
export function drawn(sections) {
  let number = 0;
  return sections.map(({ title, options }, place) =>
    h(
      "div",
      { role: "group", class: "palette-group", "aria-labelledby": `palette-group-${place}` },
      h("p", { id: `palette-group-${place}`, class: "palette-group-title" }, title),
      ...options.map((option) => drawnOption(option, number++)),
    ),
  );
}

/**
 * @param {Option} option
 * @param {number} number
 */
function drawnOption(option, number) {
  return h(
    "div",
    { role: "option", class: "palette-option", id: `palette-option-${number}`, "data-number": String(number), "aria-selected": "false" },
    h("span", { class: "palette-icon", "data-status": option.status || null }, icon(option.icon)),
    h(
      "span",
      { class: "palette-words" },
      h("span", { class: "palette-title" }, ...marked(option.title, option.marks)),
      option.text ? h("span", { class: "palette-text" }, option.text) : null,
    ),
    option.at ? h("span", { class: "palette-when" }, ago(option.at)) : null,
    option.keys ? keyCaps(option.keys) : null,
  );
}
