import assert from "node:assert/strict";
import { test } from "node:test";
import { align, eventsUntil, figures, startOf, took } from "../../static/js/run/compare-align.js";
import { diffLines, folded } from "../../static/js/run/compare-diff.js";
import { initial, reduceAll } from "../../static/js/run/reducer.js";
import { item, newLog, planned, ready, started } from "./log.mjs";

const view = ({ events }) => reduceAll(initial(), events);
const done = (key, result = `${key}!`) => ["subtask.completed", { result }, `id-${key}`, "wim"];
const rows = (pairs) => pairs.map(({ a, b, marks }) => [a?.key ?? null, b?.key ?? null, marks]);

test("the same plan twice stands line by line, and nothing is marked", () => {
  const one = planned([item("a"), item("b")]);
  assert.deepEqual(rows(align(view(one), view(planned([item("a"), item("b")])))), [["plan", "plan", []], ["a", "a", []], ["b", "b", []]]);
});

test("a title is known under another key", () => {
  const [a, b] = [planned([item("a"), item("b")]), planned([{ ...item("x"), title: " a " }, item("b")])];
  assert.deepEqual(rows(align(view(a), view(b))).slice(1), [["a", "x", []], ["b", "b", []]]);
});

test("a place in the plan is no name: plans of other tasks have nothing in common", () => {
  const plan = (...titles) => view(planned(titles.map((title, n) => ({ ...item(`task-${n + 1}`), title }))));
  assert.deepEqual(rows(align(plan("Describe the table"), plan("Which country brings most money?"))).slice(1), [
    [null, "task-1", ["onlyB"]],
    ["task-1", null, ["onlyA"]],
  ]);
  assert.deepEqual(rows(align(plan("描述表格"), plan("哪个国家收入最多？"))).length, 3);
});

test("similar titles stand together, the most alike first; under one key less is enough", () => {
  const plan = (...items) => view(planned(items.map(([key, title]) => ({ ...item(key), title }))));
  const a = plan(["t1", "Collect the figures of 2025"], ["t2", "Write a report on ships"]);
  const b = plan(["s1", "Write the report on all ships"], ["s2", "Collect the figures of 2026"], ["s3", "Collect figures"]);
  assert.deepEqual(rows(align(a, b)).slice(1).map(([one, other]) => [one, other]), [["t1", "s2"], [null, "s3"], ["t2", "s1"]]);
  const [one, other] = [plan(["report", "Write the report"]), plan(["report", "Report on ships, in writing"])];
  assert.deepEqual(rows(align(one, other))[1], ["report", "report", []]);
});

test("what one lacks stands where the other has it", () => {
  const [a, b] = [planned([item("a"), item("b"), item("c")]), planned([item("a"), item("x"), item("c")])];
  assert.deepEqual(rows(align(view(a), view(b))), [
    ["plan", "plan", []],
    ["a", "a", []],
    [null, "x", ["onlyB"]],
    ["b", null, ["onlyA"]],
    ["c", "c", []],
  ]);
});

test("of subtasks with one title each is compared with that of its own agent", () => {
  const votes = (...agents) => {
    const log = newLog();
    agents.forEach((agent, n) => log.say("subtask.ready", { key: `vote-${n + 1}`, kind: "vote", title: "Vote on the answers", assignee: agent }, `v${n}`, agent));
    return view(log);
  };
  const pairs = align(votes("ann", "bo"), votes("bo", "ann", "cy"));
  assert.deepEqual(pairs.map(({ a, b }) => [a?.agentId, b?.agentId]), [["ann", "ann"], [undefined, "cy"], ["bo", "bo"]]);
});

test("another agent, another end, more attempts, another result are marked", () => {
  const [a, b] = [planned([item("a")]), planned([item("a")])];
  a.say(...started("a"));
  a.say(...done("a"));
  b.say("subtask.started", { attempt: 2, max_attempts: 3 }, "id-a", "wilma");
  b.say("subtask.failed", { error: "Torn.", attempt: 2 }, "id-a", "wilma");
  assert.deepEqual(align(view(a), view(b))[1].marks, ["agent", "status", "attempts", "result"]);
});

test("slower and faster are marked from a quarter and half a second on", () => {
  const lasting = (ms) => {
    const log = planned([item("a")]);
    log.say(...started("a"));
    log.say(...done("a"));
    log.events.at(-1).at = new Date(Date.parse(log.events.at(-2).at) + ms).toISOString();
    return view(log);
  };
  const marks = (before, after) => align(lasting(before), lasting(after))[1];
  assert.deepEqual(marks(2_000, 5_000), { ...marks(2_000, 5_000), marks: ["slower"], times: 2.5 });
  assert.deepEqual(marks(5_000, 2_000).marks, ["faster"]);
  assert.deepEqual(marks(100, 400).marks, [], "nobody feels 0.3 s");
  assert.deepEqual(marks(10_000, 11_000).marks, [], "a tenth is chance");
});

test("waiting for a person is no work: not of a subtask, not of a run", () => {
  const log = planned([item("a"), item("b")], true);
  log.say("plan.approved", { plan: log.plan, by: "ada" });
  const approved = log.events.length;
  log.say(...ready("a"));
  log.say(...started("a"));
  log.say("subtask.waiting", { question: "Which?" }, "id-a", "wim");
  log.say(...ready("a"));
  log.say(...started("a"));
  log.say(...done("a"));
  log.events.forEach((event, n) => {
    // An hour until the plan was approved, and one until the question was answered.
    const waited = Number(n + 1 >= approved) + Number(n + 1 >= approved + 4);
    event.at = new Date(Date.parse(event.at) + waited * 3_600_000).toISOString();
  });
  const found = view(log);
  assert.equal(took(found.subtasks["id-a"]), 200);
  const { total, working } = figures(found, Date.parse(found.lastAt));
  assert.ok(total > 7_200_000);
  assert.equal(working, 400, "the plan 200 ms, the subtask 200 ms");
});

test("figures of a run", () => {
  const log = planned([item("a"), item("b")]);
  log.say(...ready("a"));
  log.say(...started("a", 2));
  log.say("usage.recorded", { input_tokens: 5, output_tokens: 2, requests: 1, cost_usd: 0.5 }, "id-a", "wim");
  log.say(...done("a"));
  const found = view(log);
  const now = startOf(found) + 60_000;
  assert.deepEqual(figures(found, now), { total: 60_000, working: 400, tokens: 7, cost: 0.5, attempts: 3, done: 1, work: 2, agents: ["lena", "wim"] });
  log.say("run.cancelled", { by: "ada" });
  assert.ok(figures(view(log), now).total < 2_000);
  assert.deepEqual(figures(initial(), now), { total: 0, working: 0, tokens: 0, cost: null, attempts: 0, done: 0, work: 0, agents: [] });
});

test("how much of a log had happened by a time", () => {
  const { events } = planned([item("a")]);
  assert.equal(eventsUntil(events, 0), 0);
  assert.equal(eventsUntil(events, Date.parse(events[2].at)), 3);
  assert.equal(eventsUntil(events, Date.parse(events[2].at) + 50), 3);
  assert.equal(eventsUntil(events, Infinity), events.length);
});

const words = (lines) => lines.map(({ kind, text, n }) => ({ same: " ", gone: "-", new: "+", skip: "~" })[kind] + (n ?? text)).join("|");

test("a diff names what went and what came", () => {
  assert.equal(words(diffLines("a\nb\nc", "a\nx\nc")), " a|-b|+x| c");
  assert.equal(words(diffLines("a\nb\nc\na\nb\nb\na", "c\nb\na\nb\na\nc")), "-a|-b| c|+b| a| b|-b| a|+c");
  assert.equal(words(diffLines("", "a")), "+a");
  assert.equal(words(diffLines("a", "")), "-a");
  assert.equal(words(diffLines("a\r\nb", "a\nb")), " a| b");
});

test("from the diff both texts can be read again: 200 random pairs, and texts with nothing in common", () => {
  let seed = 11;
  const next = (n) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  const textOf = () => Array.from({ length: 1 + next(30) }, () => "abcd"[next(4)]).join("\n");
  const pairs = Array.from({ length: 200 }, () => [textOf(), textOf()]);
  const many = (word) => Array.from({ length: 2_000 }, (_, n) => `${word}${n}`).join("\n");
  for (const [a, b] of [...pairs, [many("a"), many("b")]]) {
    const lines = diffLines(a, b);
    const side = (kind) => lines.filter((line) => line.kind !== kind).map(({ text }) => text).join("\n");
    assert.equal(side("new"), a);
    assert.equal(side("gone"), b);
  }
});

test("long stretches without a difference fold", () => {
  const long = Array.from({ length: 20 }, (_, n) => `line ${n}`).join("\n");
  assert.equal(words(folded(diffLines(`${long}\nold`, `${long}\nnew`))), "~18| line 18| line 19|-old|+new");
});
