import assert from "node:assert/strict";
import { test } from "node:test";
import { Events } from "../../static/js/agents/sse.js";
import { cost, earlier, took } from "../../static/js/agents/turns.js";

test("events come whole, however the stream is cut", () => {
  const stream = 'event: text\ndata: {"text": "a\\n\\nb"}\n\n: still here\n\nevent: end\r\ndata: {"status":\r\ndata: "answered"}\r\n\r\n';
  for (const size of [1, 7, stream.length]) {
    const events = new Events();
    const found = [];
    for (let at = 0; at < stream.length; at += size) found.push(...events.take(stream.slice(at, at + size)));
    assert.deepEqual(found, [
      { event: "text", data: { text: "a\n\nb" } },
      { event: "end", data: { status: "answered" } },
    ], `pieces of ${size}`);
  }
});

const end = (more) => ({ status: "answered", text: "", input_tokens: 0, output_tokens: 0, cost_usd: 0, seconds: 1.5, ...more });

test("the agent is told again what it answered, not what failed or goes on", () => {
  const turns = [
    { text: "a", answer: "A", end: end() },
    { text: "b", answer: "B", end: end({ status: "failed" }) },
    { text: "c", answer: "C", end: end({ status: "asks" }) },
    { text: "d", answer: "D", end: null },
  ];
  assert.deepEqual(earlier(turns), [{ text: "a", answer: "A" }, { text: "c", answer: "C" }]);
});

test("what it took and cost, with prices that nobody knows", () => {
  assert.equal(took(end()), "1.5 s");
  assert.equal(took(end({ input_tokens: 30, output_tokens: 12, cost_usd: 0.25 })), "1.5 s · 42 tokens, $0.25");
  const turns = [{ text: "", answer: "", end: end({ input_tokens: 1000, cost_usd: 0.00001 }) }, { text: "", answer: "", end: null }];
  assert.equal(cost(turns), `${(1000).toLocaleString()} tokens, $0`);
  assert.equal(cost([...turns, { text: "", answer: "", end: end({ output_tokens: 1, cost_usd: null }) }]), `${(1001).toLocaleString()} tokens, cost unknown`);
  assert.equal(cost([]), "");
});
