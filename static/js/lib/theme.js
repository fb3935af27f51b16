/** Light, dark or as the system: kept in this browser, applied before the first paint by theme.js. */

import { gettext } from "./i18n.js";

/** @typedef {"system" | "light" | "dark"} Theme */

/** @type {Theme[]} */
export const THEMES = ["system", "light", "dark"];
export const THEME_WORDS = { system: gettext("as the system"), light: gettext("light"), dark: gettext("dark") };
export const THEME_ICONS = { system: "contrast", light: "sun", dark: "moon" };

/** The theme that was chosen. */
export const theme = () => /** @type {Theme} */ (document.documentElement.dataset.theme ?? "system");

/** Choose a theme; everything that shows it hears `stars:theme` on the document. @param {Theme} next */
export function setTheme(next) {
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === "system") localStorage.removeItem("stars:theme");
    else localStorage.setItem("stars:theme", next);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  document.dispatchEvent(new CustomEvent("stars:theme"));
}

/** The next one in turn. */
export const nextTheme = () => setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length] ?? "system");
