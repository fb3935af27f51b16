import assert from "node:assert/strict";
import { test } from "node:test";
import { initial, ordered, reduceAll } from "../../static/js/run/reducer.js";
import { item, newLog, planned, ready, started } from "./log.mjs";

const after = ({ events }) => reduceAll(initial(), events);

test("a run without a plan is running from its start", () => {
  const log = newLog();
  log.say("run.queued", { task: "Count", mode: "democratic" });
  log.say("subtask.ready", { key: "answer-1", kind: "work", title: "Answer the task", assignee: "wim" }, "1", "wim");
  log.say("run.started");
  assert.equal(after(log).status, "running");
});

test("a further plan adds what is new and leaves the rest as it is", () => {
  const log = planned([item("a")]);
  log.say(...ready("a"));
  log.say(...started("a"));
  log.say("subtask.failed", { error: "broken", attempt: 1 }, "id-a", "wim");
  const plan = { subtasks: [item("a"), item("b", "a")], note: "" };
  log.say("plan.changed", { plan, added: ["b"], reason: "a failed" }, "p2", "cora");
  const view = after(log);
  assert.equal(view.subtasks["id-a"].status, "failed");
  assert.equal(view.subtasks["id-b"].status, "blocked");
  assert.deepEqual(view.plan, plan);
  assert.deepEqual(view.planChanged.added, ["b"]);
});

test("a handover is remembered, and the next one begins afresh", () => {
  const log = planned([item("a")]);
  log.say(...ready("a"));
  log.say(...started("a", 2));
  log.say("text.delta", { text: "half" }, "id-a", "wim");
  log.say("subtask.handed_over", { to: "wes", text: "go on" }, "id-a", "wim");
  log.say("subtask.ready", { key: "a", kind: "work", title: "A", assignee: "wes" }, "id-a", "wes");
  const subtask = after(log).subtasks["id-a"];
  assert.deepEqual(subtask.handovers.map(({ from, to, text }) => [from, to, text]), [["wim", "wes", "go on"]]);
  assert.deepEqual([subtask.attempt, subtask.text, subtask.agentId, subtask.status], [0, "", "wes", "ready"]);
});

test("votes stand until a retry, and come before the summary", () => {
  const log = newLog();
  const say = (key, kind) => log.say("subtask.ready", { key, kind, title: key, assignee: "wim" }, key, "wim");
  say("vote-1", "vote");
  say("answer-2", "work");
  say("summary", "summary");
  say("answer-1", "work");
  assert.deepEqual(ordered(after(log)).map(({ key }) => key), ["answer-2", "answer-1", "vote-1", "summary"]);
  log.say("votes.counted", { rule: "plurality", votes: { wim: "answer-2" }, counts: { "answer-2": 1 }, winner: "answer-2" });
  assert.deepEqual([after(log).votes.winner, after(log).votes.tie, after(log).votes.minority], ["answer-2", [], []]);
  log.say("run.resumed", { status: "running", retried: [] });
  assert.equal(after(log).votes, null);
});
