/**
 * Which of the header's buttons make sense now, and why one that is shown cannot be used. Pure.
 *
 * @import { View } from "../types.d.ts"
 */

import { gettext } from "../lib/i18n.js";
import { runEnded, subtaskEnded } from "./reducer.js";

/**
 * For each button: null = not shown, "" = usable, else why it is not.
 *
 * @param {View} view
 * @param {boolean} canSteer
 * @returns {Record<string, string | null>}
 */
export function offers(view, canSteer) {
  const { status } = view;
  const ended = runEnded(status);
  const loose = Object.values(view.subtasks).some((each) => subtaskEnded(each.status) && each.status !== "completed");
  /** @type {Record<string, string | null>} */
  const offer = {
    pause: ["queued", "planning", "running", "summarising"].includes(status) ? "" : null,
    resume: status === "paused" ? "" : null,
    cancel: ended ? null : "",
    retry: null,
    again: ended ? "" : null,
  };
  if (status === "awaiting_approval") offer.pause = gettext("The run already stands still until its plan is approved.");
  if (status === "failed" || (status === "completed" && loose)) offer.retry = "";
  if (status === "cancelled") offer.retry = gettext("A cancelled run is not taken up again; run it again instead.");
  if (!canSteer) {
    const why = gettext("Your access to this group lets you look, not steer.");
    for (const name of Object.keys(offer)) if (offer[name] === "") offer[name] = why;
  }
  return offer;
}
