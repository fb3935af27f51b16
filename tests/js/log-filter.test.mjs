import assert from "node:assert/strict";
import { test } from "node:test";
import { LogFilter } from "../../static/js/run/log-filter.js";
import { initial, reduceAll } from "../../static/js/run/reducer.js";
import { item, planned, ready, started } from "./log.mjs";

function worked() {
  const log = planned([item("a")]);
  log.say(...ready("a"));
  log.say(...started("a"));
  log.say("text.delta", { text: "The Harbour is full" }, "id-a", "wim");
  log.say("tool.started", { call_id: "1", tool: "read", arguments: { path: "dues.csv" } }, "id-a", "wim");
  log.say("tool.finished", { call_id: "1", tool: "read", summary: "gone", ok: false }, "id-a", "wim");
  log.say("subtask.retrying", { attempt: 1, max_attempts: 3, error: "Broke", delay: 1, cause: "error" }, "id-a", "wim");
  return log;
}

function shown(log, wanted) {
  const filter = new LogFilter();
  filter.want({ agents: [], types: [], q: "", ...wanted });
  filter.take(log.events, reduceAll(initial(), log.events));
  return filter.rows.map((row) => log.events[row].type);
}

test("nothing wanted shows everything", () => {
  const log = worked();
  assert.equal(shown(log, {}).length, log.events.length);
});

test("agents, types, kinds and words each leave out the rest, and together as well", () => {
  const log = worked();
  assert.equal(shown(log, { agents: ["lena"] }).length, log.events.filter(({ agent_id }) => agent_id === "lena").length);
  assert.deepEqual(shown(log, { types: ["text.delta", "subtask.retrying"] }), ["text.delta", "subtask.retrying"]);
  assert.deepEqual(shown(log, { types: ["problems"] }), ["tool.finished", "subtask.retrying"]);
  assert.deepEqual(shown(log, { types: ["tools"] }), ["tool.started", "tool.finished"]);
  assert.deepEqual(shown(log, { agents: ["wim"], types: ["tools"], q: "gone" }), ["tool.finished"]);
});

test("words are found in any letters, in what is said, in arguments and in a subtask's title", () => {
  const log = worked();
  assert.deepEqual(shown(log, { q: "hArBoUr" }), ["text.delta"]);
  assert.deepEqual(shown(log, { q: " dues.csv " }), ["tool.started"]);
  assert.ok(shown(log, { q: "#9" }).length === 1);
  assert.deepEqual(shown(log, { q: "nowhere" }), []);
});

test("what comes in later is sifted as what was there", () => {
  const log = worked();
  const view = reduceAll(initial(), log.events);
  const filter = new LogFilter();
  filter.want({ agents: [], types: ["tools"], q: "" });
  for (let n = 1; n <= log.events.length; n += 1) filter.take(log.events.slice(0, n), view);
  assert.equal(filter.rows.length, 2);
  assert.deepEqual([...filter.agents], ["lena", "wim"]);
  assert.equal(filter.types.get("tool.started"), 1);
  filter.want({ agents: [], types: [], q: "" });
  filter.take(log.events, view);
  assert.equal(filter.types.get("tool.started"), 1, "sifting anew counts nothing twice");
});

test("in the past only the rows of then are shown", () => {
  const log = worked();
  const filter = new LogFilter();
  filter.want({ agents: ["wim"], types: [], q: "" });
  filter.take(log.events, reduceAll(initial(), log.events));
  for (let n = 0; n <= log.events.length; n += 1) {
    assert.equal(filter.shownAt(n), log.events.slice(0, n).filter(({ agent_id }) => agent_id === "wim").length);
  }
});
