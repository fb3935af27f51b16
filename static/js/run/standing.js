/**
 * How a run stands, told honestly: what it spent its time on, who was heard of last, who stopped it and why. Pure.
 *
 * @import { Pulse, Subtask, View } from "../types.d.ts"
 */

import { fill, gettext, ngettext } from "../lib/i18n.js";
import { duration, language } from "../lib/time.js";
import { reasonWords } from "./reasons.js";
import { runEnded } from "./reducer.js";

/** Seconds without a sign of life after which one is overdue, and after which a worker counts as gone, unless told. */
const LATE = 15;
const LOST = 30;

/**
 * Milliseconds that the run waited to begin, worked, was paused and waited for approval, up to `at`.
 *
 * @param {View} view
 * @param {number} at
 */
export function times(view, at) {
  const spent = { queued: 0, running: 0, paused: 0, awaiting_approval: 0 };
  for (const { state, from, to } of view.stands) {
    spent[state] += Math.max(0, (to === null ? at : Date.parse(to)) - Date.parse(from));
  }
  return spent;
}

/**
 * "waited 2.0 s · worked 1 min 05 s · paused 10 s": what the time went into; empty when it all went into work.
 *
 * @param {View} view
 * @param {number} at
 */
export function timesWords(view, at) {
  const { queued, running, paused, awaiting_approval: asking } = times(view, at);
  const words = [];
  if (queued >= 100) words.push(fill(gettext("queued %(time)s"), { time: duration(queued) }));
  if (running) words.push(fill(gettext("at work %(time)s"), { time: duration(running) }));
  if (paused) words.push(fill(gettext("paused %(time)s"), { time: duration(paused) }));
  if (asking) words.push(fill(gettext("waited for approval %(time)s"), { time: duration(asking) }));
  return words.length > 1 ? words.join(" · ") : "";
}

/** @param {number} ms */
const seconds = (ms) => fill(gettext("%(n)s s"), { n: Math.max(0, Math.floor(ms / 1000)) });

/**
 * The newest sign of life of those at work: its words, and "good", "wait" (overdue) or "bad" (a worker is gone).
 * Null when nobody has to be heard of: the run is at rest, or waits for people.
 *
 * @param {View} view
 * @param {Pulse | null} pulse as the server said it last
 * @param {number} at
 * @returns {{tone: "good" | "wait" | "bad", words: string, about: string} | null}
 */
export function life(view, pulse, at) {
  if (runEnded(view.status) || !view.lastAt) return null;
  const subtasks = Object.values(view.subtasks);
  const lost = subtasks.find((each) => each.retrying?.cause === "lost");
  if (lost) return { tone: "bad", words: lostWords(lost, at), about: lost.title };
  const working = subtasks.filter((each) => each.status === "running");
  const ready = subtasks.some((each) => each.status === "ready" && !each.retrying);
  const said = Date.parse(view.lastAt);
  const late = (pulse?.late ?? LATE) * 1000;
  if (!working.length) {
    if (!ready || view.status === "paused" || view.status === "awaiting_approval") return null;
    const age = at - said;
    const words = fill(gettext("no worker has taken it up for %(time)s"), { time: seconds(age) });
    if (age > late) return { tone: "wait", words, about: gettext("Workers may be busy, or none is running.") };
    return { tone: "good", words: gettext("waiting for a worker"), about: "" };
  }
  const running = new Set(working.map((each) => each.id));
  const beats = (pulse?.beats ?? []).filter((beat) => running.has(beat.subtask));
  const newest = Math.max(said, ...beats.map((beat) => Date.parse(beat.at)));
  const silent = beats.map((beat) => ({ ...beat, age: at - Date.parse(beat.at) })).find((beat) => beat.age > late);
  if (silent) {
    const gone = silent.age > (pulse?.lost ?? LOST) * 1000;
    const words = fill(gettext("%(who)s silent for %(time)s"), { who: silent.agent_id, time: seconds(silent.age) });
    return { tone: gone ? "bad" : "wait", words, about: gettext("When its worker stays away, another takes the work over.") };
  }
  const words = fill(gettext("%(time)s ago"), { time: seconds(at - newest) });
  // Quick work never lives to its first beat: its silence counts from its last event.
  return { tone: at - newest > late ? "wait" : "good", words, about: gettext("The newest sign of life of those at work.") };
}

/** "lost 12 s ago, retrying (2/3)". @param {Subtask} subtask @param {number} at */
function lostWords(subtask, at) {
  return fill(gettext("lost %(time)s ago, retrying (%(n)s/%(max)s)"), {
    time: seconds(at - Date.parse(subtask.retrying?.at ?? "")),
    n: subtask.attempt + 1,
    max: subtask.maxAttempts,
  });
}

/**
 * Why the run came to its end, or stands still; empty while it works.
 *
 * @param {View} view
 */
export function stopWords(view) {
  const { status, cancelled, stopReason } = view;
  if (status === "cancelled") {
    const words = cancelled?.by ? fill(gettext("cancelled by %(who)s"), { who: cancelled.by }) : gettext("cancelled by the system");
    return cancelled?.reason ? `${words}: ${cancelled.reason}` : words;
  }
  if (status === "paused") return view.paused?.by ? fill(gettext("paused by %(who)s"), { who: view.paused.by }) : gettext("paused");
  if (!runEnded(status)) return "";
  if (stopReason) return reasonWords(stopReason);
  if (status === "failed") return gettext("it failed");
  const ended = Object.values(view.subtasks).filter((each) => ["failed", "skipped"].includes(each.status)).length;
  if (!ended) return gettext("all work was done");
  return fill(ngettext("done, but for %(n)s subtask", "done, but for %(n)s subtasks", ended), { n: ended });
}

/** @param {string} moment */
const timeOf = (moment) => new Date(moment).toLocaleTimeString(language(), { timeStyle: "short" });

/**
 * What one should know before anything else; each says what it means. None of it ticks, for it is read out.
 *
 * @param {View} view
 * @returns {{id: string, tone: string, words: string}[]}
 */
export function alerts(view) {
  const { status, paused, cancelled, error } = view;
  const system = gettext("the system");
  if (status === "paused") {
    const values = { who: paused?.by || system, time: timeOf(paused?.at ?? view.lastAt ?? "") };
    const meaning = gettext("Subtasks under way finish, no new one starts, and the time limit stands still.");
    return [{ id: "paused", tone: "paused", words: `${fill(gettext("Paused by %(who)s at %(time)s."), values)} ${meaning}` }];
  }
  if (status === "awaiting_approval") {
    const words = gettext("The plan waits for approval: nothing is done, and nothing spent, until somebody approves it.");
    return [{ id: "approval", tone: "awaiting_approval", words }];
  }
  if (status === "cancelled") {
    const values = { who: cancelled?.by || system, time: timeOf(view.endedAt ?? "") };
    const words = fill(gettext("Cancelled by %(who)s at %(time)s; what was under way was broken off."), values);
    return [{ id: "cancelled", tone: "cancelled", words: cancelled?.reason ? `${words} ${cancelled.reason}` : words }];
  }
  return status === "failed" && error ? [{ id: "failed", tone: "failed", words: reasonWords(error) }] : [];
}
