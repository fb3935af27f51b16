/** The titles that modes give to subtasks are ours, and follow the page's language. Pure. */

import { gettext } from "../lib/i18n.js";

/** @type {Record<string, string>} */
const OURS = {
  "Plan the task": gettext("Plan the task"),
  "Plan again": gettext("Plan again"),
  "Answer the task": gettext("Answer the task"),
  "Vote on the answers": gettext("Vote on the answers"),
  "Sum up the results": gettext("Sum up the results"),
};

/** The title in the page's language, if it is one of ours. @param {string} title */
export const titleWords = (title) => OURS[title] ?? title;
