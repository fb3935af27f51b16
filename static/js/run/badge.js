/**
 * The badge of a status: an icon, a word and a colour, so that none of them carries the meaning alone.
 *
 * @import { RunStatus, SubtaskStatus } from "../types.d.ts"
 */

import { h, icon } from "../lib/dom.js";
import { RUN_WORDS, STATUS_ICONS, SUBTASK_WORDS } from "./words.js";

/** Draw a run's status into `node` (class `badge`), unless it shows it already. @param {HTMLElement} node @param {RunStatus} status */
export function drawRunBadge(node, status) {
  draw(node, status, RUN_WORDS[status]);
}

/** Likewise a subtask's status. @param {HTMLElement} node @param {SubtaskStatus} status */
export function drawSubtaskBadge(node, status) {
  draw(node, status, SUBTASK_WORDS[status]);
}

/** A status as an icon only, with its word for screen readers. @param {SubtaskStatus} status */
export function statusMark(status) {
  const mark = h("span", { class: "status-mark" });
  drawMark(mark, status);
  return mark;
}

/** Redraw a mark made by `statusMark`. @param {HTMLElement} mark @param {SubtaskStatus} status */
export function drawMark(mark, status) {
  if (mark.dataset.status === status) return;
  mark.dataset.status = status;
  mark.title = SUBTASK_WORDS[status];
  mark.replaceChildren(icon(STATUS_ICONS[status], SUBTASK_WORDS[status]));
}

/**
 * @param {HTMLElement} node
 * @param {RunStatus | SubtaskStatus} status
 * @param {string} word
 */
function draw(node, status, word) {
  if (node.dataset.status === status) return;
  node.dataset.status = status;
  node.replaceChildren(icon(STATUS_ICONS[status]), h("span", {}, word));
}
