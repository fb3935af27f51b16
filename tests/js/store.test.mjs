import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../../static/js/live.js";
import { RunStore } from "../../static/js/run/store.js";
import { newLog } from "./log.mjs";

function setUp(n = 9) {
  const log = newLog();
  for (let i = 0; i < n; i += 1) log.say("text.delta", { text: `${i}` });
  const frames = [];
  const store = new RunStore({}, (draw) => frames.push(draw));
  store.asked = [];
  store.resubscribe = () => store.asked.push(store.position);
  const send = (first, last) => store.take({ first, seq: last, events: log.events.slice(first - 1, last) });
  const paint = () => frames.splice(0).forEach((draw) => draw());
  return { store, send, paint, frames };
}

const numbers = (store) => store.events.map(({ seq }) => seq);

test("frames in order make the log", () => {
  const { store, send } = setUp();
  send(1, 4);
  send(5, 9);
  assert.deepEqual(numbers(store), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(store.asked, []);
  assert.ok(store.caughtUp);
});

test("a gap takes nothing and asks for a replay from where we stand", () => {
  const { store, send } = setUp();
  send(1, 3);
  send(6, 7);
  assert.deepEqual(numbers(store), [1, 2, 3]);
  assert.deepEqual(store.asked, [3]);
  assert.ok(!store.caughtUp);
  send(4, 9);
  assert.equal(store.position, 9);
});

test("one gap is asked about once, however many frames show it, and again after a new hello", () => {
  const { store, send } = setUp();
  send(1, 2);
  send(5, 5);
  send(6, 6);
  assert.deepEqual(store.asked, [2]);
  store.hello({ last_seq: 6 });
  send(7, 7);
  assert.deepEqual(store.asked, [2, 2]);
});

test("what came before is passed over, whole or in part", () => {
  const { store, send } = setUp();
  send(1, 5);
  send(2, 4);
  send(1, 5);
  send(4, 8);
  assert.deepEqual(numbers(store), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("it draws once per frame, with the view drawn before", () => {
  const { store, send, paint, frames } = setUp();
  const drawn = [];
  store.listen((view, before) => drawn.push([before?.last_seq ?? null, view.last_seq]));
  send(1, 2);
  send(3, 4);
  assert.equal(frames.length, 1);
  paint();
  send(5, 6);
  paint();
  assert.deepEqual(drawn, [[null, 0], [0, 4], [4, 6]]);
});

test("the server's word on the length of the log counts until it is read", () => {
  const { store, send } = setUp();
  store.hello({ last_seq: 9 });
  assert.ok(!store.caughtUp);
  send(1, 9);
  assert.ok(store.caughtUp);
});

test("the back-off grows, is never at once, and never beyond its bound", () => {
  assert.ok(backoff(0, () => 0) > 0);
  assert.ok(backoff(3, () => 1) > backoff(1, () => 1));
  assert.ok(backoff(50, () => 1) <= 15_250);
});
