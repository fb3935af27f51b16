/** What a person changed in a plan before it was approved. Pure. */

/** @import { Plan, PlanItem } from "../types.d.ts" */

import { fill, gettext, ngettext } from "../lib/i18n.js";
import { assigneeOf, titleOf } from "./words.js";

/** @param {PlanItem} item */
const gist = ({ title, instructions = "", assignee, depends_on: needs = [] }) => JSON.stringify([title, instructions, assignee, [...needs].toSorted()]);

/**
 * "2 subtasks changed: collector → processor", what was added and what was removed; empty when both plans are the same.
 * @param {Plan} before @param {Plan} after
 */
export function planChangeWords(before, after) {
  const old = new Map(before.subtasks.map((item) => [item.id, item]));
  const ids = new Set(after.subtasks.map(({ id }) => id));
  /** @type {string[]} */
  const told = [];
  let changed = 0;
  for (const item of after.subtasks) {
    const was = old.get(item.id);
    if (!was || gist(was) === gist(item)) continue;
    changed += 1;
    const words = was.assignee === item.assignee ? titleOf(item) : `${assigneeOf(was)} → ${assigneeOf(item)}`;
    if (!told.includes(words)) told.push(words);
  }
  const added = after.subtasks.filter(({ id }) => !old.has(id)).length;
  const removed = before.subtasks.filter(({ id }) => !ids.has(id)).length;
  const parts = [];
  if (changed) {
    const what = fill(ngettext("%(n)s subtask changed", "%(n)s subtasks changed", changed), { n: changed });
    parts.push(fill(gettext("%(what)s: %(about)s"), { what, about: told.join(", ") }));
  }
  if (added) parts.push(fill(ngettext("%(n)s subtask added", "%(n)s subtasks added", added), { n: added }));
  if (removed) parts.push(fill(ngettext("%(n)s subtask removed", "%(n)s subtasks removed", removed), { n: removed }));
  return parts.join(" · ");
}
