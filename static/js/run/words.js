/**
 * Statuses, events and causes in words and icons; the one place where the run page's vocabulary stands. Pure.
 *
 * @import { EventOf, EventType, Handover, Payloads, RunEvent, RunStatus, Spent, Subtask, SubtaskStatus, Tone } from "../types.d.ts"
 */

import { fill, gettext, ngettext } from "../lib/i18n.js";
import { duration, number } from "../lib/time.js";
import { reasonWords } from "./reasons.js";
import { titleWords } from "./titles.js";

/** @type {Record<RunStatus, string>} */
export const RUN_WORDS = {
  queued: gettext("Queued"),
  planning: gettext("Planning"),
  awaiting_approval: gettext("Awaiting approval"),
  running: gettext("Running"),
  paused: gettext("Paused"),
  summarising: gettext("Summing up"),
  completed: gettext("Completed"),
  failed: gettext("Failed"),
  cancelled: gettext("Cancelled"),
};

/** @type {Record<SubtaskStatus, string>} */
export const SUBTASK_WORDS = {
  blocked: gettext("Blocked"),
  ready: gettext("Ready"),
  running: gettext("Running"),
  waiting: gettext("Waiting for an answer"),
  completed: gettext("Completed"),
  failed: gettext("Failed"),
  cancelled: gettext("Cancelled"),
  skipped: gettext("Skipped"),
};

/** A subtask's title; those that modes give are ours and follow the page's language. @param {Pick<Subtask, "title">} subtask */
export const titleOf = (subtask) => titleWords(subtask.title);

/** By which rule votes are counted. @type {Record<string, string>} */
export const RULE_WORDS = {
  plurality: gettext("Each voter names one answer of others; the most votes win."),
  approval: gettext("Each voter names all answers of others that it agrees with; the most approvals win."),
  ranked: gettext("Each voter ranks the answers of others; instant run-off."),
};

/** Whom work is for: "*" is whoever is free for it. @param {Pick<Subtask, "assignee">} subtask */
export const assigneeOf = (subtask) => (subtask.assignee === "*" ? gettext("anyone free for it") : subtask.assignee);

/** "lena → wim: what she leaves behind". @param {Handover} handover */
export const handoverWords = ({ from, to, text }) => (text ? more(`${from} → ${to}`, short(text)) : `${from} → ${to}`);

/** The icon of a status, of runs and subtasks alike (`templates/components/_icons.html`). @type {Record<RunStatus | SubtaskStatus, string>} */
export const STATUS_ICONS = {
  queued: "clock",
  blocked: "clock",
  ready: "clock",
  planning: "spinner",
  running: "spinner",
  summarising: "spinner",
  awaiting_approval: "hand",
  waiting: "hand",
  paused: "pause",
  completed: "check",
  failed: "cross",
  cancelled: "minus",
  skipped: "skip",
};

/** @type {Record<string, string>} */
const CAUSES = {
  error: gettext("the agent failed"),
  timeout: gettext("it took too long"),
  lost: gettext("its worker stopped answering"),
  released: gettext("its worker was told to stop"),
  budget: gettext("a cap was reached"),
};

/**
 * "Attempt 2 of 3 in 4 s: why the last one failed".
 *
 * @param {Pick<Subtask, "attempt" | "maxAttempts" | "retrying">} subtask
 * @param {number} left the back-off that remains, in milliseconds
 */
export function retryWords(subtask, left) {
  const { cause = "", error = "" } = subtask.retrying ?? {};
  const values = {
    next: subtask.attempt + 1,
    max: subtask.maxAttempts,
    when: left > 0 ? fill(gettext("in %(time)s"), { time: duration(Math.ceil(left / 1000) * 1000) }) : gettext("now"),
    why: reasonWords(error) || CAUSES[cause] || cause,
  };
  return fill(gettext("Attempt %(next)s of %(max)s %(when)s: %(why)s"), values);
}

/**
 * "Attempt 2 of 3", and while it works why the one before it failed; empty at the first.
 *
 * @param {Pick<Subtask, "attempt" | "maxAttempts" | "status" | "error">} subtask
 */
export function attemptWords({ attempt, maxAttempts, status, error }) {
  if (attempt < 2) return "";
  const words = fill(gettext("Attempt %(n)s of %(max)s"), { n: attempt, max: maxAttempts });
  if (status !== "running" || !error) return words;
  return fill(gettext("%(attempt)s; before: %(why)s"), { attempt: words, why: reasonWords(error) });
}

/** The first line of a question, for where there is no room for the rest. @param {string} question */
export const firstLine = (question) => question.trim().split("\n", 1)[0] ?? "";

/** @param {string} text @param {number} [length] */
const short = (text, length = 160) => {
  const line = String(text ?? "").replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
};

/** @param {{ by?: string }} data */
const by = (data) => (data.by ? fill(gettext(" by %(who)s"), { who: data.by }) : "");

/** "What happened: more about it"; other languages have another colon. @param {string} what @param {string} about */
const more = (what, about) => fill(gettext("%(what)s: %(about)s"), { what, about });

/** @param {string} what @param {Payloads["plan.proposed" | "plan.approved"]} data */
const planned = (what, data) => {
  const n = data.plan?.subtasks?.length ?? 0;
  return more(what + by(data), fill(ngettext("%(n)s subtask", "%(n)s subtasks", n), { n }));
};

/** @type {{ [T in EventType]: (data: Payloads[T]) => string }} */
const SENTENCES = {
  "run.queued": (d) => gettext("Run queued") + by(d),
  "run.started": () => gettext("Run started"),
  "run.paused": (d) => gettext("Paused") + by(d),
  "run.resumed": (d) =>
    (d.retried?.length ? gettext("Taken up again") : gettext("Resumed")) + by(d),
  "run.summarising": () => gettext("The leader sums up"),
  "run.completed": () => gettext("Run completed"),
  "run.failed": (d) => fill(gettext("Run failed: %(error)s"), { error: short(reasonWords(d.error)) }),
  "run.cancelled": (d) => {
    const words = gettext("Run cancelled") + by(d);
    return d.reason ? more(words, short(d.reason)) : words;
  },
  "plan.proposed": (d) => planned(d.by ? gettext("Plan edited") : gettext("Plan proposed"), d),
  "plan.approved": (d) => planned(gettext("Plan approved"), d),
  "plan.changed": (d) => {
    const n = d.added.length;
    return more(gettext("Plan changed"), fill(ngettext("%(n)s subtask added", "%(n)s subtasks added", n), { n }));
  },
  "votes.counted": (d) => {
    const words = d.winner
      ? fill(gettext("Votes counted: %(winner)s wins"), { winner: d.winner })
      : gettext("Votes counted: nothing was decided");
    return d.tie?.length ? more(words, fill(gettext("a tie of %(n)s"), { n: d.tie.length })) : words;
  },
  "callback.refused": (d) => fill(gettext("An answer was refused: %(reason)s"), { reason: short(d.text) }),
  "subtask.handed_over": (d) => {
    const words = fill(gettext("Handed over to %(who)s"), { who: d.to });
    return d.text ? more(words, short(d.text)) : words;
  },
  "subtask.ready": () => gettext("Ready"),
  "subtask.started": (d) =>
    d.attempt > 1
      ? fill(gettext("Started, attempt %(n)s of %(max)s"), { n: d.attempt, max: d.max_attempts })
      : gettext("Started"),
  "subtask.retrying": (d) =>
    fill(gettext("Attempt %(n)s failed, another follows in %(time)s: %(why)s"), {
      n: d.attempt,
      time: duration(d.delay * 1000),
      why: short(reasonWords(d.error) || CAUSES[d.cause] || d.cause),
    }),
  "subtask.waiting": (d) => fill(gettext("Asks: %(question)s"), { question: short(reasonWords(d.question)) }),
  "subtask.completed": () => gettext("Completed"),
  "subtask.failed": (d) => fill(gettext("Failed: %(error)s"), { error: short(reasonWords(d.error)) }),
  "subtask.skipped": (d) => fill(gettext("Skipped: %(reason)s"), { reason: short(reasonWords(d.reason)) }),
  "text.delta": (d) => short(d.text) || gettext("blank line"),
  "tool.started": (d) => `${d.tool} ${short(argumentsLine(d.arguments), 120)}`,
  "tool.finished": (d) => `${d.tool}: ${short(d.summary) || (d.ok ? gettext("done") : gettext("failed"))}`,
  "message.sent": (d) => `${d.sender} → ${d.to || gettext("all")}: ${short(d.text)}`,
  "state.changed": (d) => fill(gettext("State %(id)s is now version %(n)s"), { id: d.state_id, n: d.version }),
  "usage.recorded": (d) =>
    more(
      fill(gettext("%(in)s tokens in, %(out)s out"), { in: d.input_tokens, out: d.output_tokens }),
      d.cost_usd === null ? gettext("price unknown") : money(d.cost_usd),
    ),
  "budget.reached": (d) => fill(gettext("Stopped: %(reason)s"), { reason: short(reasonWords(d.text)) }),
  "budget.raised": (d) => more(gettext("Caps changed") + by(d), capsWords(d.max_tokens, d.max_cost_usd)),
  "budget.unpriced": (d) =>
    fill(gettext("The price of %(model)s is unknown: its calls count in tokens, not in money."), {
      model: d.model || gettext("the model"),
    }),
};

/** Dollars, as exactly as small sums need it. @param {number} usd */
export const money = (usd) => `$${usd.toFixed(usd && usd < 1 ? 4 : 2)}`;

/** @param {number | null} tokens @param {number | null} usd */
const capsWords = (tokens, usd) => {
  const words = [];
  if (tokens !== null) words.push(fill(gettext("%(n)s tokens"), { n: number(tokens) }));
  if (usd !== null) words.push(money(usd));
  return words.join(", ") || gettext("no cap");
};

/** "$0.03 plus 1 call of unknown price": what it cost, as far as prices are known. @param {Spent} spent */
export function costWords({ cost, calls, unpriced }) {
  if (!unpriced) return money(cost);
  if (unpriced === calls) return gettext("price unknown");
  const plus = ngettext("plus %(n)s call of unknown price", "plus %(n)s calls of unknown price", unpriced);
  return `${money(cost)} ${fill(plus, { n: unpriced })}`;
}

/** "1,200 tokens, $0.03", and how many calls had no known price: what one agent (or a whole run) used. @param {Spent} spent */
export function spentWords(spent) {
  const used = fill(gettext("%(n)s tokens"), { n: number(spent.tokens) });
  if (!spent.unpriced && !spent.cost) return used;
  return `${used}, ${spent.unpriced === spent.calls ? gettext("cost unknown") : costWords(spent)}`;
}

/** A tool's arguments on one line. @param {Record<string, unknown>} values */
export function argumentsLine(values) {
  return Object.entries(values ?? {})
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}

/** What an event says, on one line. @param {RunEvent} event @returns {string} */
export const sentence = (event) =>
  /** @type {((data: RunEvent["data"]) => string) | undefined} */ (SENTENCES[event.type])?.(event.data) ?? short(JSON.stringify(event.data));

/** @type {Set<EventType>} */
const BAD = new Set(["budget.reached", "callback.refused", "run.failed", "subtask.failed", "subtask.retrying", "subtask.skipped", "run.cancelled"]);
/** @type {Set<EventType>} */
const GOOD = new Set(["run.completed", "subtask.completed", "plan.approved", "votes.counted"]);

/** bad, good, text, tool or plain: how an event is coloured, and which filter of the log shows it. @param {RunEvent} event @returns {Tone} */
export function tone(event) {
  if (BAD.has(event.type) || (event.type === "tool.finished" && event.data.ok === false)) return "bad";
  if (GOOD.has(event.type)) return "good";
  if (event.type === "text.delta") return "text";
  if (event.type.startsWith("tool.")) return "tool";
  return "plain";
}
