import assert from "node:assert/strict";
import { test } from "node:test";
import { LogFilter, isOf } from "../../static/js/run/log-filter.js";
import { LogLines, below, foldWords } from "../../static/js/run/log-lines.js";
import { isBrief } from "../../static/js/run/log-row.js";
import { initial, reduceAll } from "../../static/js/run/reducer.js";
import { item, planned, ready, started } from "./log.mjs";

/** A log in which agents write: each word one piece, by wim unless it says "who:word", and "|" is a step between. */
function written(...words) {
  const log = planned([item("a")]);
  log.say(...ready("a"));
  log.say(...started("a"));
  for (const word of words) {
    const [who, said] = word.includes(":") ? word.split(":") : ["wim", word];
    if (word === "|") log.say("state.changed", { state_id: "x", version: 1 }, "id-a", "wim");
    else log.say("text.delta", { text: said }, "id-a", who);
  }
  return log;
}

/** What the log shows: the numbers of the first and the last event of each line, once the filter wants this. */
function linesOf(log, wanted = {}, lines = new LogLines(), n = log.events.length) {
  const filter = new LogFilter();
  filter.want({ agents: [], types: [], q: "", ...wanted });
  filter.take(log.events, reduceAll(initial(), log.events));
  lines.take(filter.rows, log.events, filter.folds);
  const rows = filter.shownAt(n);
  return Array.from({ length: lines.countOf(rows) }, (_, line) => {
    const { from, to } = lines.rowsOf(line, rows);
    return [from, to - 1].map((row) => log.events[filter.rows[row]].seq);
  });
}

test("pieces that follow each other share a line, and the numbers of all lines together have no gap", () => {
  const log = written("One", " two", " three", "|", "four", "|", "|", "nora:five", "six");
  const found = linesOf(log);
  assert.deepEqual(found.slice(-6), [[9, 11], [12, 12], [13, 13], [14, 14], [15, 15], [16, 17]]);
  const numbers = found.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, n) => from + n));
  assert.deepEqual(numbers, log.events.map(({ seq }) => seq));
});

test("who asks for kinds or words of events sees each by itself, and `all` is every event there is", () => {
  const log = written("One", " two", " one", "|", "one");
  assert.equal(linesOf(log, { types: ["all"] }).length, log.events.length);
  assert.ok(log.events.every((event) => isOf(event, "all")));
  assert.deepEqual(linesOf(log, { types: ["texts"] }), [[9, 9], [10, 10], [11, 11], [13, 13]]);
  assert.deepEqual(linesOf(log, { q: "one" }), [[9, 9], [11, 11], [13, 13]]);
  assert.deepEqual(linesOf(log, { agents: ["wim"] }).at(-3), [9, 11], "by agent alone they stay together");
});

test("in the past a line has the pieces of then, and what comes in later lengthens it", () => {
  const log = written("One", " two", " three", "|");
  const all = linesOf(log).length;
  for (const [n, last, count] of [[8, [8, 8], 8], [9, [9, 9], 9], [10, [9, 10], 9], [11, [9, 11], 9], [12, [12, 12], 10]]) {
    const found = linesOf(log, {}, new LogLines(), n);
    assert.deepEqual([found.at(-1), found.length], [last, count], String(n));
  }
  const lines = new LogLines();
  const rows = [];
  for (let n = 0; n < log.events.length; n += 1) {
    rows.push(n);
    lines.take(rows, log.events.slice(0, n + 1), true);
  }
  assert.equal(lines.countOf(rows.length), all);
});

test("a stretch is opened by any of its events, stays open as the log grows, and is closed again", () => {
  const log = written("One", " two", " three", "|", "four", "five");
  const rows = log.events.map((_, n) => n);
  const lines = new LogLines();
  lines.take(rows, log.events, true);
  const folded = lines.countOf(rows.length);
  assert.equal(lines.turn(9, rows, log.events, false), false, "it is closed already");
  assert.equal(lines.turn(11, rows, log.events, true), false, "a step is no piece");
  assert.equal(lines.turn(9, rows, log.events, true), true);
  lines.take(rows, log.events, true);
  assert.equal(lines.countOf(rows.length), folded + 2);
  assert.deepEqual([8, 9, 10, 11, 12, 13].map((row) => lines.lineOf(row)), [8, 9, 10, 11, 12, 12]);
  assert.ok(lines.isOpen(log.events[8]) && !lines.isOpen(log.events[12]));
  assert.equal(lines.turn(10, rows, log.events, false), true);
  lines.take(rows, log.events, true);
  assert.equal(lines.countOf(rows.length), folded);
});

test("a piece that stands alone opens into nothing", () => {
  const log = written("One", "|");
  const rows = log.events.map((_, n) => n);
  assert.equal(new LogLines().turn(8, rows, log.events, true), false);
});

test("a line tells who wrote, the beginning of it and how much; blank pieces are part of it", () => {
  const { events } = written("The ", "har", "bour", "\n\n", " is full");
  assert.deepEqual(foldWords(events.slice(8)), {
    who: "wim", text: "The harbour is full", count: "5 pieces", range: "Events 9 to 13: each by itself with → or a click",
  });
  const blank = written("\n", " ").events.slice(8);
  assert.equal(foldWords(blank).text, "blank line");
  const two = written("One", "nora:two", "three").events.slice(8);
  assert.deepEqual([foldWords(two).who, foldWords(two).text, foldWords(two).count], ["2 agents", "wim, nora", "3 pieces"]);
});

test("of a very long text only the beginning is put together", () => {
  const { events } = written(...Array.from({ length: 500 }, () => "wave "));
  assert.ok(foldWords(events.slice(8)).text.length <= 160);
});

test("how many numbers are below another", () => {
  assert.deepEqual([0, 1, 2, 5, 9].map((n) => below([1, 3, 5, 7], n)), [0, 0, 1, 2, 4]);
});

test("the log tells moments to the millisecond while all of the run is brief", () => {
  const brief = (took) => isBrief({ queuedAt: "2026-03-04T05:06:07.000Z", lastAt: new Date(Date.UTC(2026, 2, 4, 5, 6, 7) + took).toISOString() });
  assert.deepEqual([0, 1300, 9999, 10_000].map(brief), [true, true, true, false]);
});
