import assert from "node:assert/strict";
import { test } from "node:test";
import { initial, ordered, reduce, reduceAll, summary } from "../../static/js/run/reducer.js";
import { item, newLog, planned, ready, started } from "./log.mjs";

const after = ({ events }) => reduceAll(initial(), events);

/** Freezes a view throughout, so that any later change of it throws. */
function freeze(value) {
  if (value && typeof value === "object" && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

test("a plan without approval is taken up at once, in reading order", () => {
  const log = planned([item("a"), item("b", "a")]);
  const view = after(log);
  assert.equal(view.status, "running");
  assert.deepEqual(ordered(view).map(({ key, status }) => [key, status]), [
    ["plan", "completed"],
    ["a", "blocked"],
    ["b", "blocked"],
  ]);
  assert.deepEqual(view.plan, log.plan);
});

test("a plan that awaits approval is a proposal only, until it is approved as it then stands", () => {
  const log = planned([item("a")], true);
  assert.equal(after(log).status, "awaiting_approval");
  assert.deepEqual(ordered(after(log)).map(({ key }) => key), ["plan"]);
  log.say("plan.approved", { plan: { subtasks: [item("b")], note: "" }, by: "bo" });
  const view = after(log);
  assert.equal(view.status, "running");
  assert.deepEqual(ordered(view).map(({ key }) => key), ["plan", "b"]);
  assert.equal(view.planBy, "bo");
});

test("a new attempt clears what the last one wrote", () => {
  const log = planned([item("a")]);
  log.say(...ready("a"));
  log.say(...started("a"));
  log.say("text.delta", { text: "half" }, "id-a", "wim");
  log.say("tool.started", { call_id: "1", tool: "read", arguments: { file: "x" } }, "id-a", "wim");
  log.say("tool.finished", { call_id: "1", tool: "read", summary: "no", ok: false }, "id-a", "wim");
  assert.equal(after(log).subtasks["id-a"].text, "half");
  assert.equal(after(log).subtasks["id-a"].tools[0].ok, false);
  log.say("subtask.retrying", { attempt: 1, max_attempts: 3, error: "net", delay: 3, cause: "error" }, "id-a", "wim");
  const waiting = after(log).subtasks["id-a"];
  assert.equal(waiting.status, "ready");
  assert.equal(waiting.retrying.delay, 3);
  log.say(...started("a", 2));
  const again = after(log).subtasks["id-a"];
  assert.deepEqual([again.text, again.tools, again.attempt, again.retrying], ["", [], 2, null]);
});

test("a question, and a try broken off by the server, do not count as tries", () => {
  const log = planned([item("a")]);
  log.say(...ready("a"));
  log.say(...started("a", 2));
  log.say("subtask.waiting", { question: "Which?" }, "id-a", "wim");
  assert.deepEqual([after(log).subtasks["id-a"].attempt, after(log).subtasks["id-a"].question], [1, "Which?"]);
  log.say(...ready("a"));
  log.say(...started("a", 2));
  log.say("subtask.retrying", { attempt: 2, max_attempts: 3, error: "stop", delay: 0, cause: "released" }, "id-a", "wim");
  assert.deepEqual([after(log).subtasks["id-a"].attempt, after(log).subtasks["id-a"].question], [1, ""]);
});

test("a pause outlasts what was under way; a resume says where it goes on", () => {
  const log = newLog();
  log.say("run.queued", { task: "Count" });
  log.say("run.started");
  log.say("run.paused", { by: "bo" });
  log.say("plan.proposed", { plan: { subtasks: [item("a")], note: "" }, approval_required: false });
  assert.equal(after(log).status, "paused");
  assert.equal(after(log).subtasks["id-a"].status, "blocked");
  log.say("run.summarising");
  assert.equal(after(log).status, "paused");
  log.say("run.resumed", { status: "summarising", retried: [], by: "bo" });
  assert.equal(after(log).status, "summarising");
});

for (const [type, status] of [["run.failed", "failed"], ["run.cancelled", "cancelled"]]) {
  test(`${type} cancels what had not ended`, () => {
    const log = planned([item("a"), item("b"), item("c", "a")]);
    log.say(...ready("a"));
    log.say(...started("a"));
    log.say("subtask.failed", { error: "no", attempt: 1 }, "id-a", "wim");
    log.say(...ready("b"));
    log.say(type, { error: "over", by: "bo", reason: "enough" });
    const view = after(log);
    assert.equal(view.status, status);
    assert.deepEqual(["a", "b", "c"].map((key) => view.subtasks[`id-${key}`].status), ["failed", "cancelled", "cancelled"]);
    assert.ok(view.endedAt);
  });
}

test("a retry takes up what it names, keeps the attempts, and clears result and error", () => {
  const log = planned([item("a"), item("b")]);
  log.say(...started("a", 3));
  log.say("subtask.failed", { error: "no", attempt: 3 }, "id-a", "wim");
  log.say(...started("b"));
  log.say("subtask.completed", { result: "fine" }, "id-b", "wim");
  log.say("run.failed", { error: "over" });
  log.say("run.resumed", { status: "running", retried: ["id-a"], by: "bo" });
  const view = after(log);
  assert.deepEqual([view.status, view.error, view.result, view.endedAt], ["running", "", "", null]);
  const { status, error, attempt } = view.subtasks["id-a"];
  assert.deepEqual([status, error, attempt], ["blocked", "", 3]);
  assert.equal(view.subtasks["id-b"].result, "fine");
});

test("usage adds up, and one unknown price makes the sum unknown", () => {
  const log = newLog();
  const use = (cost) => log.say("usage.recorded", { input_tokens: 3, output_tokens: 2, requests: 1, cost_usd: cost, model: "m" });
  assert.deepEqual(after(log).usage, {});
  use(0.25);
  use(0.5);
  assert.deepEqual(after(log).usage, { input_tokens: 6, output_tokens: 4, requests: 2, cost_usd: 0.75 });
  use(null);
  use(1);
  assert.equal(after(log).usage.cost_usd, null);
  log.say("run.completed", { result: "# All", usage: { input_tokens: 9 } });
  assert.deepEqual(summary(after(log)).usage, { input_tokens: 9 });
});

test("the timeline: one bar per state, the last one open, closed at the end", () => {
  const log = planned([item("a")]);
  log.say(...ready("a"));
  log.say(...started("a"));
  const [waited, ran] = after(log).subtasks["id-a"].spans;
  assert.deepEqual([waited.state, waited.to, ran.state, ran.to], ["ready", ran.from, "running", null]);
  log.say("subtask.completed", { result: "fine" }, "id-a", "wim");
  assert.ok(after(log).subtasks["id-a"].spans[1].to);
});

test("an event of a later version is counted and otherwise passed over", () => {
  const log = newLog();
  log.say("run.queued", { task: "Count" });
  log.say("moon.landed", { where: "here" });
  assert.equal(after(log).last_seq, 2);
  assert.equal(after(log).counts["moon.landed"], 1);
});

test("views are never changed, and one by one gives the same as all at once", () => {
  const log = planned([item("a"), item("b", "a")]);
  log.say(...ready("a"));
  log.say(...started("a"));
  log.say("text.delta", { text: "x" }, "id-a", "wim");
  log.say("run.cancelled", { by: "bo", reason: "" });
  let view = freeze(initial());
  for (const event of freeze(log.events)) view = freeze(reduce(view, event));
  assert.deepEqual(view, after(log));
  assert.equal(reduceAll(view, []), view);
});

test("a hundred thousand deltas over five hundred subtasks take less than two seconds", () => {
  const log = planned(Array.from({ length: 500 }, (_, n) => item(`k${n}`)));
  for (let n = 0; n < 100_000; n += 1) log.say("text.delta", { text: "hello " }, `id-k${n % 500}`, "wim");
  const begin = performance.now();
  const view = after(log);
  assert.equal(view.subtasks["id-k7"].text.length, 1200);
  assert.ok(performance.now() - begin < 2000);
});
