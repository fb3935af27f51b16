import assert from "node:assert/strict";
import { test } from "node:test";
import { layout } from "../../static/js/run/graph-layout.js";
import { edgeState, graphOf, neighbour, STATE_WORDS, underWay } from "../../static/js/run/graph-model.js";
import { initial, reduceAll } from "../../static/js/run/reducer.js";
import { item, newLog, planned, ready, started } from "./log.mjs";

const completed = (key) => ["subtask.completed", { result: `${key}!` }, `id-${key}`, "wim"];
const graph = (events, mode = "leader_worker") => graphOf(reduceAll(initial({ mode }), events));
const shape = (nodes) => Object.fromEntries(nodes.map(({ id, needs }) => [id, needs]));
const states = (nodes) => Object.fromEntries(nodes.map(({ id, state }) => [id, state]));

test("the plan comes first, the summary last, what waits for nothing begins with the plan", () => {
  const { events } = planned([item("a"), item("b"), item("c", "a", "b")]);
  const nodes = graph(events);
  assert.deepEqual(shape(nodes), { plan: [], a: ["plan"], b: ["plan"], c: ["a", "b"], summary: ["c"] });
  assert.deepEqual(states(nodes), { plan: "completed", a: "blocked", b: "blocked", c: "blocked", summary: "ahead" });
});

test("a summary that is promised is the same node as the one that comes, and none is promised once all is over", () => {
  const { events, say } = planned([item("a")]);
  say(...started("a"));
  say(...completed("a"));
  say("run.summarising");
  say("subtask.ready", { key: "summary", kind: "summary", title: "Sum up the results", assignee: "lena" }, "s", "lena");
  assert.deepEqual(shape(graph(events)).summary, ["a"]);
  say("run.failed", { error: "No." });
  assert.equal(states(graph(events)).summary, "cancelled");
  const row = planned([item("a")]).events;
  row[0].data.mode = "pipeline";
  assert.ok(!graph(row).some(({ id }) => id === "summary"), "the last of a row is the result");
});

test("what is proposed is shown before it is approved", () => {
  const { events } = planned([item("a"), item("b", "a")], true);
  const nodes = graph(events);
  assert.deepEqual(shape(nodes), { plan: [], a: ["plan"], b: ["a"] });
  assert.equal(nodes[2].state, "proposed");
  assert.equal(nodes[2].item.title, "B");
});

test("a further plan stands after the work before it, and its items after it", () => {
  const { events, say, plan } = planned([item("a"), item("b")]);
  say(...completed("a"));
  say("subtask.failed", { error: "Torn.", attempt: 3 }, "id-b", "wim");
  say("subtask.ready", { key: "replan-1", kind: "plan", title: "Plan again", assignee: "lena" }, "r", "lena");
  const more = { ...plan, subtasks: [...plan.subtasks, item("c", "a"), item("d", "c")] };
  say("plan.changed", { plan: more, added: ["c", "d"], reason: "b failed" }, "r", "lena");
  const nodes = graph(events);
  assert.deepEqual(shape(nodes), {
    plan: [],
    "replan-1": ["a", "b"],
    a: ["plan"],
    b: ["plan"],
    c: ["replan-1", "a"],
    d: ["c"],
    summary: ["d"],
  });
  const { edges } = layout(nodes);
  assert.equal(edges.length, 8);
});

test("a plan in place of one that failed comes after it", () => {
  const { events, say } = newLog();
  say("subtask.ready", { key: "plan", kind: "plan", title: "Plan", assignee: "lena" }, "p", "lena");
  say("subtask.failed", { error: "No.", attempt: 3 }, "p", "lena");
  say("subtask.ready", { key: "replan-1", kind: "plan", title: "Plan", assignee: "cora" }, "r", "cora");
  assert.deepEqual(shape(graph(events)), { plan: [], "replan-1": ["plan"] });
});

test("a vote stands behind a gate, so that not every answer has a line to every voter", () => {
  const { events, say } = newLog();
  for (const n of [1, 2, 3]) say("subtask.ready", { key: `answer-${n}`, kind: "work", title: "Answer the task", assignee: `w${n}` }, `a${n}`);
  for (const n of [1, 2, 3]) say("subtask.ready", { key: `vote-${n}`, kind: "vote", title: "Vote on the answers", assignee: `w${n}` }, `v${n}`);
  const found = shape(graph(events, "democratic"));
  assert.deepEqual(found.gate, ["answer-1", "answer-2", "answer-3"]);
  assert.deepEqual(found["vote-2"], ["gate"]);
  say("votes.counted", { rule: "plurality", votes: {}, counts: {}, winner: "answer-1" });
  assert.deepEqual(shape(graph(events, "democratic")).counted, ["vote-1", "vote-2", "vote-3"]);
});

test("what a worker puts on the board comes after its item", () => {
  const { events, say } = planned([item("a"), item("b")]);
  say("subtask.ready", { key: "board-2-1", kind: "work", title: "More", assignee: "*" }, "x");
  assert.deepEqual(shape(graph(events, "swarm"))["board-2-1"], ["b"]);
});

test("another attempt is told from work that nobody has begun", () => {
  const { events, say } = planned([item("a"), item("b")]);
  say(...ready("a"));
  say(...started("a"));
  say("subtask.retrying", { attempt: 1, max_attempts: 3, error: "Busy.", delay: 2, cause: "error" }, "id-a", "wim");
  assert.equal(states(graph(events)).a, "retrying");
  assert.equal(underWay(graph(events)).id, "a");
  say(...ready("b"));
  say(...started("b"));
  assert.equal(underWay(graph(events)).id, "b");
  assert.equal(underWay(graph(planned([item("a")]).events)), null);
});

test("work flows only where it is done before and under way after", () => {
  assert.equal(edgeState("completed", "running"), "flow");
  assert.equal(edgeState("completed", "retrying"), "flow");
  assert.equal(edgeState("completed", "completed"), "done");
  assert.equal(edgeState("running", "blocked"), "idle");
  assert.equal(edgeState("failed", "skipped"), "broken");
  assert.ok(STATE_WORDS.retrying && STATE_WORDS.ahead && STATE_WORDS.blocked);
});

test("arrows go along the edges and within the layer", () => {
  const nodes = graph(planned([item("a"), item("b"), item("c"), item("d", "c")]).events);
  const found = layout(nodes);
  const go = (key, id) => neighbour(`Arrow${key}`, id, found);
  assert.equal(go("Right", "plan"), "b");
  assert.equal(go("Left", "c"), "plan");
  assert.equal(go("Down", "a"), "b");
  assert.equal(go("Up", "b"), "a");
  assert.equal(go("Up", "a"), null);
  assert.equal(go("Right", "c"), "d");
  assert.equal(go("Right", "summary"), null);
  assert.equal(go("Down", "ghost"), null);
});
