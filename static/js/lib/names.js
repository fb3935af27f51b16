/** Principals as people say them. */

import { gettext } from "./i18n.js";

/** The id of an agent, the name of a person; Stars itself. @param {string} principal */
export const nameOf = (principal) =>
  principal === "system" ? "Stars" : principal.replace(/^\w+:/, "") || gettext("Somebody");
