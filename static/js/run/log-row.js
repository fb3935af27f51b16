/**
 * What the event log is made of: its rows (an event, or several pieces of text), and the button that pauses it.
 *
 * @import { RunEvent, View } from "../types.d.ts"
 */

import { h, icon } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { BRIEF, language } from "../lib/time.js";
import { foldWords } from "./log-lines.js";
import { sentence, titleOf, tone } from "./words.js";

const TIME = new Intl.DateTimeFormat(language(), {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

/** The time of day, to the millisecond. @param {string} iso */
export const clockTime = (iso) => TIME.format(new Date(iso));

/** Seconds since the run was queued, as narrow as can be: 0.042 in a brief run, else 3.4, 75.0, 1:02:03. @param {number} seconds @param {boolean} brief */
function offset(seconds, brief) {
  if (seconds < 600) return seconds.toFixed(brief ? 3 : 1);
  const [h, m, s] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((n) => String(Math.floor(n)).padStart(2, "0"));
  return h === "00" ? `${m}:${s}` : `${Number(h)}:${m}:${s}`;
}

/** Whether all of a run took so little that its offsets are told to the millisecond. @param {View} view */
export const isBrief = ({ queuedAt, lastAt }) => Date.parse(lastAt ?? "") - Date.parse(queuedAt ?? "") < BRIEF;

/**
 * A row for these events: one, or pieces of text that share it. `view` gives the subtask's title; `opened` says that
 * the pieces after it had shared its row, and offers to do so again.
 *
 * @param {[RunEvent, ...RunEvent[]]} events
 * @param {View} view
 * @param {boolean} [opened]
 */
export function logRow(events, view, opened = false) {
  const [event] = events;
  const since = (Date.parse(event.at) - Date.parse(view.queuedAt ?? event.at)) / 1000;
  const subtask = event.subtask ? view.subtasks[event.subtask] : null;
  const about = subtask && event.type.startsWith("subtask.") ? titleOf(subtask) : "";
  const fold = events.length > 1 ? foldWords(events) : null;
  const said = fold?.text ?? sentence(event);
  const close = opened ? gettext("These pieces on one line, with ← or a click") : "";
  return h(
    "div",
    { class: "log-row", role: "option", id: `log-${event.seq}`, "data-tone": tone(event), title: fold?.range ?? `${event.type}, ${clockTime(event.at)}` },
    h("span", { class: "log-seq" }, String(event.seq)),
    h("span", { class: "log-time" }, offset(since, isBrief(view))),
    h("span", { class: "log-who" }, fold?.who ?? event.agent_id ?? ""),
    h("span", { class: "log-text" }, about ? h("b", {}, said) : said, about ? ` ${about}` : null),
    fold ? h("span", { class: "log-fold" }, fold.count) : null,
    opened ? h("span", { class: "log-fold is-open", title: close }, icon("minus", close)) : null,
  );
}

/** The button that pauses the log, or lets it go on. @param {HTMLButtonElement} button @param {boolean} held */
export function drawHold(button, held) {
  const word = held ? gettext("Go on with the log") : gettext("Pause the log");
  button.replaceChildren(icon(held ? "play" : "pause"));
  button.title = word;
  button.setAttribute("aria-label", word);
  button.setAttribute("aria-pressed", String(held));
}
