/**
 * A run's JSON file (docs/takeaway.md), read and looked through before anything of it is shown. Pure.
 *
 * @import { About, RunEvent } from "../types.d.ts"
 * @typedef {object} LogFile
 * @property {About} about
 * @property {readonly RunEvent[]} events
 * @property {string} group
 * @property {string} takenAt
 * @property {{started: string, by: string, failurePolicy: string, attachments: {name: string, size: number}[]}} facts
 * @property {ReadonlyMap<string, string>} rendered the HTML of results by their Markdown, as the file has it: not to be trusted
 */

import { fill, gettext } from "../lib/i18n.js";
import { bytes } from "../lib/time.js";

const FORMAT = "stars.run";
const VERSION = 1;
/** Bytes; more than a browser can hold with ease. */
export const MOST = 200 * 1024 * 1024;

/** Why a file cannot be shown, as a sentence for whoever chose it. */
export class Unreadable extends Error {}

/** Raises Unreadable when the file is too large to be read. @param {{size: number}} file */
export function checkSize({ size }) {
  if (size <= MOST) return;
  const values = { size: bytes(size), most: bytes(MOST) };
  throw new Unreadable(fill(gettext("The file has %(size)s; at most %(most)s can be opened in a browser."), values));
}

/** @param {unknown} value @returns {value is Record<string, any>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The run that the file holds. Raises Unreadable, saying what is wrong with it.
 *
 * @param {string} text
 * @returns {LogFile}
 */
export function readLogFile(text) {
  const told = parsed(text);
  if (!isObject(told) || told.format !== FORMAT) {
    throw new Unreadable(gettext("This is not a run of Stars. Choose the JSON file that a run's page gives under Download."));
  }
  if (told.version !== VERSION) {
    const values = { version: String(told.version), known: VERSION };
    throw new Unreadable(fill(gettext("The file has version %(version)s of the format; this Stars reads version %(known)s."), values));
  }
  const { run, events } = told;
  if (!isObject(run) || typeof run.id !== "string" || !Array.isArray(events)) {
    throw new Unreadable(gettext("The file is damaged: run or events are missing."));
  }
  checkEvents(events, run.last_seq);
  const group = String(run.group?.name ?? "");
  return { about: aboutOf(told), events, group, takenAt: String(told.exported_at ?? ""), facts: factsOf(told), rendered: renderedOf(told) };
}

/** @param {unknown} list @returns {Record<string, any>[]} */
const objects = (list) => (Array.isArray(list) ? list.filter(isObject) : []);

/** What the head of the page says. @param {Record<string, any>} told @returns {LogFile["facts"]} */
function factsOf({ run, attachments }) {
  return {
    started: Number.isNaN(Date.parse(run.created_at)) ? "" : run.created_at,
    by: String(run.created_by ?? ""),
    failurePolicy: String(run.failure_policy ?? ""),
    attachments: objects(attachments).map(({ name, size }) => ({ name: String(name ?? ""), size: Number(size) || 0 })),
  };
}

/** @param {Record<string, any>} told @returns {LogFile["rendered"]} */
function renderedOf({ run, subtasks, rendered }) {
  const { report, subtasks: parts } = isObject(rendered) ? rendered : {};
  const pairs = [...objects(subtasks).map(({ id, result }) => [result, isObject(parts) ? parts[id] : null]), [run.result, report]];
  return new Map(pairs.flatMap(([markdown, html]) => (markdown && typeof markdown === "string" && typeof html === "string" ? [[markdown, html]] : [])));
}

/** @param {string} text @returns {unknown} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Unreadable(fill(gettext("This is not JSON, or not all of it: %(why)s"), { why }));
  }
}

/** Every event is there, once and in its place. @param {unknown[]} events @param {unknown} last */
function checkEvents(events, last) {
  events.forEach((event, index) => {
    const wanted = index + 1;
    if (!isObject(event) || typeof event.type !== "string" || !isObject(event.data) || Number.isNaN(Date.parse(event.at))) {
      throw new Unreadable(fill(gettext("The file is damaged: entry %(n)s of its log is no event."), { n: wanted }));
    }
    if (event.seq !== wanted) {
      const values = { n: wanted, seq: String(event.seq) };
      throw new Unreadable(fill(gettext("The log has a gap: event %(seq)s stands where %(n)s should."), values));
    }
  });
  if (!events.length || events.length !== last) {
    const values = { n: events.length, last: String(last) };
    throw new Unreadable(fill(gettext("The log is not whole: it has %(n)s of %(last)s events."), values));
  }
}

/** What the page's parts want to know beside the log; there is nothing to steer and no server to ask. @param {Record<string, any>} told */
function aboutOf({ run, exported_at: takenAt }) {
  return {
    id: run.id,
    task: String(run.task ?? ""),
    mode: String(run.mode ?? ""),
    now: String(takenAt ?? run.finished_at ?? run.created_at),
    caps: { tokens: run.max_tokens ?? null, cost: run.max_cost_usd ?? null },
    can_steer: false,
    urls: /** @type {About["urls"]} */ ({}),
    assignees: [],
  };
}
