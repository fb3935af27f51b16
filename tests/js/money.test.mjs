import assert from "node:assert/strict";
import { test } from "node:test";
import { initial, reduceAll } from "../../static/js/run/reducer.js";
import { money, sentence, spentWords } from "../../static/js/run/words.js";
import { newLog } from "./log.mjs";

const after = (log) => reduceAll(initial(), log.events);
const reached = { scope: "run", limit: "tokens", text: "All is spent." };

test("why a run stopped stands until a retry, not until the end of a pause", () => {
  const log = newLog();
  log.say("run.queued", { task: "Count", mode: "leader_worker" });
  log.say("budget.reached", reached);
  log.say("run.paused", {});
  log.say("run.resumed", { status: "running", retried: [] });
  assert.equal(after(log).stopReason, "All is spent.");
  log.say("run.completed", { result: "some", usage: {}, stop_reason: "All is spent." });
  assert.equal(after(log).stopReason, "All is spent.");
  log.say("budget.raised", { max_tokens: 9, max_cost_usd: null, by: "bo" });
  log.say("run.resumed", { status: "running", retried: ["x"] });
  assert.equal(after(log).stopReason, "");
  assert.deepEqual(after(log).caps, { tokens: 9, cost: null });
  log.say("run.completed", { result: "all", usage: {}, stop_reason: "" });
  assert.equal(after(log).stopReason, "");
});

test("what each agent used, and how many of its calls had no known price", () => {
  const log = newLog();
  const use = (agent, cost) =>
    log.say("usage.recorded", { input_tokens: 1000, output_tokens: 200, requests: 1, cost_usd: cost, model: "m" }, null, agent);
  use("wim", 0.25);
  const before = after(log);
  use("wim", null);
  use("wes", null);
  const { spent } = after(log);
  assert.deepEqual(spent.wim, { tokens: 2400, cost: 0.25, calls: 2, unpriced: 1 });
  assert.deepEqual(spent.wes, { tokens: 1200, cost: 0, calls: 1, unpriced: 1 });
  assert.deepEqual(before.spent, { wim: { tokens: 1200, cost: 0.25, calls: 1, unpriced: 0 } });
});

test("an unknown price is said to be unknown", () => {
  assert.equal(spentWords({ tokens: 1200, cost: 0, calls: 1, unpriced: 1 }), "1,200 tokens, cost unknown");
  assert.equal(
    spentWords({ tokens: 5, cost: 0.25, calls: 4, unpriced: 3 }),
    "5 tokens, $0.2500 plus 3 calls of unknown price",
  );
  assert.equal(spentWords({ tokens: 5, cost: 2, calls: 1, unpriced: 0 }), "5 tokens, $2.00");
  assert.equal(spentWords({ tokens: 5, cost: 0, calls: 1, unpriced: 0 }), "5 tokens");
  assert.deepEqual([0, 0.00012, 3].map(money), ["$0.00", "$0.0001", "$3.00"]);
});

test("sentences about money", () => {
  const say = (type, data) => sentence({ type, data });
  assert.equal(say("budget.reached", reached), "Stopped: All is spent.");
  assert.equal(
    say("budget.raised", { max_tokens: 5000, max_cost_usd: 1.5, by: "bo" }),
    "Caps changed by bo: 5,000 tokens, $1.50",
  );
  assert.equal(say("budget.raised", { max_tokens: null, max_cost_usd: null }), "Caps changed: no cap");
  assert.match(say("budget.unpriced", { model: "dear-1" }), /dear-1 is unknown/);
  const usage = { input_tokens: 3, output_tokens: 2 };
  assert.equal(say("usage.recorded", { ...usage, cost_usd: null }), "3 tokens in, 2 out: price unknown");
});
