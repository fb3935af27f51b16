/** What members are at, in words and marks; never by colour alone. */

import { fill, gettext, ngettext } from "../lib/i18n.js";

/** @import { MemberFact, Standing } from "./map-state.js" */

/** The icon of each standing; idle has none. @type {Record<Standing["word"], string>} */
export const ICONS = { idle: "", working: "spinner", waiting: "hand", paused: "pause", failing: "cross", away: "away" };

/** The status whose colours a standing has (badge.css). @type {Record<Standing["word"], string>} */
export const TONES = { idle: "", working: "running", waiting: "waiting", paused: "paused", failing: "failed", away: "" };

/** The icon of each kind of agent. @type {Record<string, string>} */
export const KINDS = { builtin: "gear", llm: "spark", a2a: "link", webhook: "send", human: "person", connected: "plug" };

/** A few words. @param {Standing} standing */
export function standingWords({ word, count }) {
  if (word === "working") return count > 1 ? fill(gettext("working on %(n)s"), { n: count }) : gettext("working");
  if (word === "waiting") return gettext("needs a person");
  if (word === "paused") return gettext("paused");
  if (word === "failing") return gettext("failed last");
  return word === "away" ? gettext("not connected") : gettext("idle");
}

/** @param {string} role */
export function roleWord(role) {
  const words = /** @type {Record<string, string>} */ ({
    leader: gettext("leader"),
    worker: gettext("worker"),
    specialist: gettext("specialist"),
    coordinator: gettext("coordinator"),
    observer: gettext("observer"),
  });
  return words[role] ?? role;
}

/** How much of what an agent can do at once it does, over all groups. @param {MemberFact} member */
export function loadWords({ load, most }) {
  if (most) return fill(gettext("%(n)s of %(most)s subtasks at once"), { n: load, most });
  return load ? fill(ngettext("%(n)s subtask", "%(n)s subtasks", load), { n: load }) : "";
}
