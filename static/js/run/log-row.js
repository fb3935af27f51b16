/** One row of the event log. */

import { h } from "../lib/dom.js";
import { sentence, tone } from "./words.js";

const TIME = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 1,
  hourCycle: "h23",
});

/** The time of day, to a tenth of a second. */
export const clockTime = (iso) => TIME.format(new Date(iso));

/** A row for this event; `open` is called when it is chosen. `view` gives the subtask's title. */
export function logRow(event, view, open) {
  const subtask = event.subtask ? view.subtasks[event.subtask] : null;
  const who = event.agent_id ?? "";
  const about = subtask && event.type.startsWith("subtask.") ? subtask.title : "";
  return h(
    "button",
    { type: "button", class: "log-row", "data-tone": tone(event), title: event.type, onclick: open },
    h("span", { class: "log-seq" }, String(event.seq)),
    h("span", { class: "log-time" }, clockTime(event.at)),
    h("span", { class: "log-who" }, who),
    h("span", { class: "log-text" }, about ? h("b", {}, about) : null, about ? " " : null, sentence(event)),
  );
}
