/** How the keys of a shortcut look. */

import { h } from "../lib/dom.js";
import { caps } from "../lib/keys.js";

/**
 * The keys of a shortcut, as caps.
 * @param {string} keys
 */
export const keyCaps = (keys) =>
  h(
    "span",
    { class: "keys" },
    ...caps(keys).map((step) => h("span", { class: "keys-step" }, ...step.map((cap) => h("kbd", {}, cap)))),
  );
