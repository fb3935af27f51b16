import assert from "node:assert/strict";
import { test } from "node:test";
import { offers } from "../../static/js/run/offers.js";
import { initial, reduceAll } from "../../static/js/run/reducer.js";
import { alerts, life, stopWords, times, timesWords } from "../../static/js/run/standing.js";
import { costWords, spentWords } from "../../static/js/run/words.js";
import { item, newLog, planned, ready, started } from "./log.mjs";

const viewOf = ({ events }) => reduceAll(initial(), events);
/** Milliseconds since the log's beginning: event n came at n * 100. */
const at = (ms) => Date.UTC(2026, 2, 4, 5, 6, 7) + ms;

test("the time is told apart: waiting for a worker, at work, paused, waiting for approval", () => {
  const log = planned([item("a")], true); // 6 events; queued at 100, started at 300, proposed at 500
  log.say("plan.approved", { plan: log.plan, by: "ada" }); // 700
  log.say("run.paused", { by: "bo" }); // 800
  const paused = viewOf(log);
  assert.deepEqual(times(paused, at(1800)), { queued: 200, running: 300, paused: 1000, awaiting_approval: 200 });
  assert.equal(timesWords(paused, at(1800)), "queued 0.2 s · at work 0.3 s · paused 1.0 s · waited for approval 0.2 s");
  log.say("run.cancelled", { by: "bo", reason: "Enough." }); // 900
  const ended = viewOf(log);
  assert.deepEqual(times(ended, at(99_000)), { queued: 200, running: 300, paused: 100, awaiting_approval: 200 });
  assert.ok(ended.stands.every((stand) => stand.to), "nothing stands open in a run at rest");
});

test("one event at a time or all at once, it stands the same", () => {
  const log = planned([item("a")]);
  log.say("run.paused", { by: "bo" });
  log.say("run.resumed", { status: "running", retried: [], by: "bo" });
  const one = log.events.reduce((view, event) => reduceAll(view, [event]), initial());
  assert.deepEqual(one.stands, viewOf(log).stands);
  assert.deepEqual(one.stands.map(({ state }) => state), ["queued", "running", "paused", "running"]);
});

test("the newest sign of life ages, is overdue after a while, and a silent worker is named", () => {
  const log = planned([item("a")]);
  log.say(...ready("a"));
  log.say(...started("a")); // 800
  const view = viewOf(log);
  assert.deepEqual([life(view, null, at(2800)).tone, life(view, null, at(2800)).words], ["good", "2 s ago"]);
  assert.equal(life(view, null, at(17_000)).tone, "wait");
  const beat = (ms) => ({ late: 15, lost: 30, beats: [{ subtask: "id-a", key: "a", agent_id: "wim", at: new Date(at(ms)).toISOString() }] });
  assert.deepEqual([life(view, beat(16_000), at(17_000)).tone, life(view, beat(16_000), at(17_000)).words], ["good", "1 s ago"]);
  const overdue = life(view, beat(1000), at(21_000));
  assert.deepEqual([overdue.tone, overdue.words], ["wait", "wim silent for 20 s"]);
  assert.equal(life(view, beat(1000), at(32_000)).tone, "bad");
  const others = { ...beat(1000), beats: [{ ...beat(1000).beats[0], subtask: "id-of-a-run-before" }] };
  assert.equal(life(view, others, at(2800)).tone, "good", "beats of work that has ended mean nothing");
});

test("a lost worker is told, with the try that follows", () => {
  const log = planned([item("a")]);
  log.say(...ready("a"));
  log.say(...started("a"));
  log.say("subtask.retrying", { attempt: 1, max_attempts: 3, error: "Gone.", delay: 2, cause: "lost" }, "id-a", "wim"); // 900
  const found = life(viewOf(log), null, at(12_900));
  assert.deepEqual([found.tone, found.words], ["bad", "lost 12 s ago, retrying (2/3)"]);
  log.say(...started("a", 2));
  assert.equal(life(viewOf(log), null, at(1100)).tone, "good");
});

test("nobody has to be heard of when people are waited for or all has ended", () => {
  const approval = planned([item("a")], true);
  assert.equal(life(viewOf(approval), null, at(60_000)), null);
  const queued = newLog();
  queued.say("run.queued", { task: "Count" });
  queued.say("subtask.ready", { key: "plan", kind: "plan", title: "Plan", assignee: "lena" }, "p", "lena"); // 200
  assert.equal(life(viewOf(queued), null, at(1200)).tone, "good");
  const waiting = life(viewOf(queued), null, at(20_200));
  assert.deepEqual([waiting.tone, waiting.words], ["wait", "no worker has taken it up for 20 s"]);
  queued.say("run.failed", { error: "No." });
  assert.equal(life(viewOf(queued), null, at(20_200)), null);
});

test("why it stopped is always said", () => {
  const log = planned([item("a")]);
  assert.equal(stopWords(viewOf(log)), "");
  log.say("run.paused", { by: "bo" });
  assert.equal(stopWords(viewOf(log)), "paused by bo");
  assert.match(alerts(viewOf(log))[0].words, /^Paused by bo at .*no new one starts/);
  log.say("run.completed", { result: "17", usage: {}, stop_reason: "The run's cap of 100 tokens is reached." });
  assert.equal(stopWords(viewOf(log)), "The run's cap of 100 tokens is reached.");
  const cancelled = planned([item("a")]);
  cancelled.say("run.cancelled", { by: "", reason: "Enough." });
  assert.equal(stopWords(viewOf(cancelled)), "cancelled by the system: Enough.");
  const done = planned([item("a"), item("b")]);
  done.say("subtask.failed", { error: "No.", attempt: 1 }, "id-a", "wim");
  done.say("run.completed", { result: "17", usage: {}, stop_reason: "" });
  assert.equal(stopWords(viewOf(done)), "done, but for 1 subtask");
});

test("an unknown price is said, never shown as nothing", () => {
  assert.equal(costWords({ tokens: 5, cost: 0.0123, calls: 1, unpriced: 0 }), "$0.0123");
  assert.equal(costWords({ tokens: 5, cost: 0, calls: 2, unpriced: 2 }), "price unknown");
  assert.equal(costWords({ tokens: 5, cost: 0.5, calls: 2, unpriced: 1 }), "$0.5000 plus 1 call of unknown price");
  assert.equal(spentWords({ tokens: 5, cost: 0, calls: 2, unpriced: 2 }), "5 tokens, cost unknown");
});

test("a button that is shown and cannot be used says why", () => {
  const log = planned([item("a")], true);
  assert.match(offers(viewOf(log), true).pause, /until its plan is approved/);
  assert.match(offers(viewOf(log), false).cancel, /look, not steer/);
  log.say("run.cancelled", { by: "bo", reason: "" });
  const offer = offers(viewOf(log), true);
  assert.match(offer.retry, /run it again instead/);
  assert.deepEqual([offer.cancel, offer.pause, offer.again], [null, null, ""]);
});
