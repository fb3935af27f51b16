/** The keyboard in the log: what the legend says of it, and where a key leads. Pure. */

/** @import { Shortcut } from "../lib/keys.js" */

import { gettext } from "../lib/i18n.js";

/** What the legend lists. @param {() => void} toLog @param {() => void} toSearch @returns {Shortcut[]} */
export function logShortcuts(toLog, toSearch) {
  const section = gettext("Log");
  return [
    { section, keys: "l", text: gettext("Go to the log"), run: toLog },
    { section, keys: ["j", "arrowdown"], text: gettext("In it: the next event") },
    { section, keys: ["k", "arrowup"], text: gettext("In it: the event before") },
    { section, keys: "enter", text: gettext("The event as it is, or the pieces of text one by one") },
    { section, keys: "arrowleft", text: gettext("Pieces of text on one line") },
    { section, keys: "f", text: gettext("Search in the log"), run: toSearch },
  ];
}

/**
 * The row that a key leads to, which may lie beyond the first or the last; undefined if it leads nowhere.
 * @param {string} key @param {number} here - the row in focus, or -1 @param {number} count - of rows @param {number} page - rows in sight
 */
export function rowAfter(key, here, count, page) {
  const from = here >= 0 ? here : count;
  switch (key) {
    case "j":
    case "ArrowDown":
      return from + 1;
    case "k":
    case "ArrowUp":
      return from - 1;
    case "PageDown":
      return from + page;
    case "PageUp":
      return from - page;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
  }
}
