import assert from "node:assert/strict";
import { test } from "node:test";
import { initial, reduceAll } from "../../static/js/run/reducer.js";
import { Axis, NEAREST, barsOf, idleStretches, isMostlyIdle, lengthOf, nearestAllowed, tickWords } from "../../static/js/run/timeline.js";
import { item, planned, ready, started } from "./log.mjs";

/** The bars of subtask a: [state, attempt] each. Events are 100 ms apart. */
function barsAfter(...said) {
  const log = planned([item("a")]);
  for (const words of said) log.say(...words);
  const view = reduceAll(initial(), log.events);
  return barsOf(view.subtasks["id-a"], Date.parse(view.queuedAt));
}
const short = (bars) => bars.map(({ state, attempt }) => `${state} ${attempt}`);
const ofA = (type, data) => [type, data, "id-a", "wim"];
const retrying = (attempt) => ofA("subtask.retrying", { attempt, max_attempts: 3, error: "x", delay: 1, cause: "error" });
const waits = ofA("subtask.waiting", { question: "?", options: [] });

test("queue, attempts and back-offs are bars of their own, and attempts are counted", () => {
  const bars = barsAfter(ready("a"), started("a"), retrying(1), started("a", 2), retrying(2), started("a", 3), ofA("subtask.completed", { result: "" }));
  assert.deepEqual(short(bars), ["queued 1", "failed 1", "backoff 2", "failed 2", "backoff 3", "completed 3"]);
  assert.deepEqual(bars.slice(0, 3).map(({ from, to }) => to - from), [100, 100, 100]);
});

test("a try that ends in a question has not failed, and waiting for its answer is told apart", () => {
  const bars = barsAfter(ready("a"), started("a"), waits, ready("a"), started("a"), ofA("subtask.completed", { result: "" }));
  assert.deepEqual(short(bars), ["queued 1", "completed 1", "waiting 1", "queued 1", "completed 1"]);
});

test("a handover is no failure, and counts anew", () => {
  const bars = barsAfter(ready("a"), started("a"), ofA("subtask.handed_over", { to: "ada", text: "" }), ready("a"), started("a"));
  assert.deepEqual(short(bars), ["queued 1", "handed 1", "queued 1", "running 1"]);
  assert.equal(bars.at(-1).to, null);
});

test("the last bar bears how the subtask ended", () => {
  assert.equal(barsAfter(ready("a"), started("a"), ofA("subtask.failed", { error: "x", attempt: 1 })).at(-1).state, "failed");
  assert.equal(barsAfter(ready("a"), started("a"), ["run.cancelled", { by: "ada" }]).at(-1).state, "cancelled");
});

const bar = (from, to, state = "completed") => ({ state, from, to, attempt: 1 });

test("idle is where nothing is at work for long; waiting and backing off are idle", () => {
  const bars = [bar(0, 1000), bar(500, 3000), bar(3000, 60_000, "backoff"), bar(60_000, 61_000), bar(61_500, null, "running")];
  assert.deepEqual(idleStretches(bars, 70_000), [{ from: 3000, to: 60_000 }]);
  assert.deepEqual(idleStretches([bar(0, 10_000)], 90_000), [{ from: 10_000, to: 90_000 }]);
  assert.deepEqual(idleStretches([], 1000), []);
});

test("an axis without anything left out is even", () => {
  const axis = new Axis(1000);
  assert.deepEqual([0, 250, 1000].map((t) => axis.x(t)), [0, 0.25, 1]);
  assert.deepEqual([0, 0.25, 1].map((x) => axis.time(x)), [0, 250, 1000]);
});

test("what is left out takes next to no room, and the way back from a place is the same", () => {
  const axis = new Axis(100_000, [{ from: 10_000, to: 90_000 }]);
  const [gap] = axis.breaks;
  assert.ok(gap.end - gap.x < 0.03);
  assert.ok(axis.x(10_000) > 0.45 && axis.x(90_000) < 0.55);
  for (const time of [0, 5000, 10_000, 90_000, 95_000, 100_000]) assert.ok(Math.abs(axis.time(axis.x(time)) - time) < 1e-6);
});

test("zoom shows a part, and what is outside stands outside", () => {
  const axis = new Axis(1000, [], { from: 400, to: 600 });
  assert.deepEqual([400, 500, 600].map((t) => axis.x(t)), [0, 0.5, 1]);
  assert.ok(axis.x(0) < 0 && axis.x(1000) > 1);
});

test("zooming in and out again ends with everything; moving stays within the run", () => {
  const whole = new Axis(10_000);
  const near = whole.zoom({ by: 2 });
  assert.deepEqual(near, { from: 2500, to: 7500 });
  const axis = new Axis(10_000, [], near);
  assert.deepEqual(axis.zoom({ by: 0.5 }), { from: null, to: null });
  assert.deepEqual(axis.zoom({ move: 0.2 }), { from: 3500, to: 8500 });
  assert.deepEqual(axis.zoom({ move: 5 }), { from: 5000, to: 10_000 });
  assert.deepEqual(axis.zoom({ move: -5 }), { from: 0, to: 5000 });
});

test("zooming goes on over what is left out", () => {
  const axis = new Axis(100_000, [{ from: 10_000, to: 90_000 }]);
  const { from, to } = axis.zoom({ by: 2, at: 0 });
  assert.equal(from, 0);
  assert.ok(to > 10_000 && to < 90_000, `${to}`);
});

test("nobody gets nearer than makes sense", () => {
  const { from, to } = nearestAllowed(501, 500);
  assert.equal(to - from, NEAREST);
  assert.deepEqual(nearestAllowed(300, 100), { from: 100, to: 300 });
});

test("a run is mostly idle when nobody worked for more than half of it, and when somebody did at all", () => {
  const bars = (...work) => work.map(([from, to, state = "completed"]) => ({ state, from, to, attempt: 1 }));
  const mostly = (total, ...work) => isMostlyIdle(idleStretches(bars(...work), total), total);
  assert.equal(mostly(60_000, [0, 5_000], [5_000, 50_000, "waiting"], [50_000, 60_000]), true);
  assert.equal(mostly(60_000, [0, 35_000]), false);
  assert.equal(mostly(60_000, [0, 60_000]), false);
  assert.equal(mostly(60_000), false, "it only waits to begin");
});

test("ticks are round, few, in order, never in what is left out", () => {
  for (const total of [700, 9_200, 61_000, 3_700_000, 400_000_000]) {
    const ticks = new Axis(total).ticks(8);
    assert.ok(ticks.length >= 3 && ticks.length <= 9, `${total}: ${ticks.length}`);
    assert.equal(ticks[0].time, 0);
  }
  const ticks = new Axis(8_000_000, [{ from: 10_000, to: 7_990_000 }]).ticks(8);
  assert.ok(ticks.every(({ time }) => time <= 10_000 || time >= 7_990_000));
  assert.ok(ticks.some(({ time }) => time >= 7_990_000));
});

test("a run is as long as its clock says, but never shorter than its last event", () => {
  const log = planned([item("a")]);
  const view = reduceAll(initial(), log.events);
  const start = Date.parse(view.queuedAt);
  assert.equal(lengthOf(view, start + 90_000, false), 90_000);
  assert.equal(lengthOf({ ...view, lastAt: new Date(start + 5000).toISOString() }, start + 200, false), 5000);
});

test("ticks are told as finely as what is shown asks for, so that no two that differ say the same", () => {
  assert.deepEqual([[4000, 9000], [500, 4000], [42, 300], [4000, 300]].map(([time, shown]) => tickWords(time, shown)), ["4 s", "0.5 s", "0.042 s", "4.000 s"]);
  assert.deepEqual([[75_000, 60_000], [75_500, 4000], [75_050, 300]].map(([time, shown]) => tickWords(time, shown)), ["1:15", "1:15.5", "1:15.050"]);
  for (const [from, to] of [[0, 60], [0, 400], [0, 1300], [12_000, 12_300], [75_000, 75_200], [75_000, 79_000]]) {
    const axis = new Axis(100_000, [], { from, to });
    const said = axis.ticks(8).map(({ time }) => tickWords(time, axis.time(1) - axis.time(0)));
    assert.equal(new Set(said).size, said.length, said.join());
  }
});
