/**
 * One row of the event log.
 *
 * @import { RunEvent, View } from "../types.d.ts"
 */

import { h, icon } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { language } from "../lib/time.js";
import { sentence, titleOf, tone } from "./words.js";

const TIME = new Intl.DateTimeFormat(language(), {
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
 * A row for this event. `view` gives the subtask's title.
 *
 * @param {RunEvent} event
 * @param {View} view
 */
export function logRow(event, view) {
  const subtask = event.subtask ? view.subtasks[event.subtask] : null;
  const who = event.agent_id ?? "";
  const since = (Date.parse(event.at) - Date.parse(view.queuedAt ?? event.at)) / 1000;
  const about = subtask && event.type.startsWith("subtask.") ? titleOf(subtask) : "";
  return h(
    "div",
    { class: "log-row", role: "option", id: `log-${event.seq}`, "data-tone": tone(event), title: `${event.type}, ${clockTime(event.at)}` },
    h("span", { class: "log-seq" }, String(event.seq)),
    h("span", { class: "log-time" }, offset(since)),
    h("span", { class: "log-who" }, who),
    h("span", { class: "log-text" }, about ? h("b", {}, sentence(event)) : sentence(event), about ? ` ${about}` : null),
  );
}

/**
 * An event as it is: its JSON, to read and to copy.
 *
 * @param {RunEvent} event
 * @param {{close: () => void, goTo: () => void}} acts
 */
export function logDetail(event, { close, goTo }) {
  const copy = document.createElement("copy-text");
  copy.append(
    h("button", { type: "button", class: "button button-small" }, icon("copy"), gettext("Copy JSON")),
    h("pre", { tabIndex: 0 }, h("code", {}, JSON.stringify(event, null, 2))),
  );
  return [
    h(
      "header",
      {},
      h("strong", {}, `#${event.seq} ${event.type}`),
      h("span", { class: "muted" }, clockTime(event.at)),
      h("button", { type: "button", class: "link push", onclick: goTo }, gettext("Show this moment")),
      h("button", { type: "button", class: "icon-button", "aria-label": gettext("Close"), title: gettext("Close"), onclick: close }, icon("close")),
    ),
    copy,
  ];
}
