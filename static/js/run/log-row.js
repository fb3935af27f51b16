/**
 * One row of the event log.
 *
 * @import { RunEvent, View } from "../types.d.ts"
 */

import { h } from "../lib/dom.js";
import { sentence, titleOf, tone } from "./words.js";

const TIME = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 1,
  hourCycle: "h23",
});

/** The time of day, to a tenth of a second. @param {string} iso */
export const clockTime = (iso) => TIME.format(new Date(iso));

/** Seconds since the run was queued, as narrow as can be: 3.4, 75.0, 1:02:03. @param {number} seconds */
function offset(seconds) {
  if (seconds < 600) return seconds.toFixed(1);
  const [h, m, s] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((n) => String(Math.floor(n)).padStart(2, "0"));
  return h === "00" ? `${m}:${s}` : `${Number(h)}:${m}:${s}`;
}

/**
 * A row for this event; `open` is called when it is chosen. `view` gives the subtask's title.
 *
 * @param {RunEvent} event
 * @param {View} view
 * @param {() => void} open
 */
export function logRow(event, view, open) {
  const subtask = event.subtask ? view.subtasks[event.subtask] : null;
  const who = event.agent_id ?? "";
  const since = (Date.parse(event.at) - Date.parse(view.queuedAt ?? event.at)) / 1000;
  const about = subtask && event.type.startsWith("subtask.") ? titleOf(subtask) : "";
  return h(
    "button",
    { type: "button", class: "log-row", "data-tone": tone(event), title: `${event.type}, ${clockTime(event.at)}`, onclick: open },
    h("span", { class: "log-seq" }, String(event.seq)),
    h("span", { class: "log-time" }, offset(since)),
    h("span", { class: "log-who" }, who),
    h("span", { class: "log-text" }, about ? h("b", {}, sentence(event)) : sentence(event), about ? ` ${about}` : null),
  );
}
