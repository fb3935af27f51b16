/** The mark of an agent or a person: one or two letters on a colour of its own; as templates/components/_avatar.html. */

import { h } from "./dom.js";

/** A stable number from 0 to 11 for a name; equal to `hue` in groups/templatetags/stars.py. @param {string} name */
export const hue = (name) => [...name].reduce((sum, letter, index) => sum + (letter.codePointAt(0) ?? 0) * (index + 3), 0) % 12;

/** One or two letters; equal to `initials` there. @param {string} name */
export function initials(name) {
  const [first, second] = name.replaceAll(/[_.]/g, "-").split("-").filter(Boolean);
  if (first && !second) {
    const letters = [...first].slice(0, 2).join("");
    return letters.charAt(0).toUpperCase() + letters.slice(1).toLowerCase();
  }
  return `${[...(first ?? "")][0] ?? ""}${[...(second ?? "")][0] ?? ""}`.toUpperCase() || "?";
}

/** @param {string} name */
export const avatar = (name) => h("span", { class: "avatar", "data-hue": String(hue(name)), "aria-hidden": "true" }, initials(name));
