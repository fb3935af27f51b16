import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../../static/js/live.js";
import { initial, reduceAll } from "../../static/js/run/reducer.js";
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

test("any moment of the log is what its first events alone reduce to", () => {
  const log = newLog();
  for (let i = 0; i < 2300; i += 1) log.say("text.delta", { text: `${i} ` }, `s${i % 7}`);
  const store = new RunStore({}, () => {});
  for (let first = 1; first <= 2300; first += 110) {
    store.take({ seq: Math.min(2300, first + 109), events: log.events.slice(first - 1, first + 109) });
  }
  for (const at of [1, 499, 500, 501, 1777, 1778, 1200, 2299]) {
    store.goTo(at);
    assert.equal(store.shown, at);
    assert.deepEqual(store.view, reduceAll(initial({}), log.events.slice(0, at)), String(at));
  }
});

test("while the past is shown the log goes on, and back in the present all of it is there", () => {
  const { store, send, paint } = setUp();
  const drawn = [];
  store.listen((view) => drawn.push(view.last_seq));
  send(1, 5);
  store.goTo(2);
  paint();
  send(6, 9);
  paint();
  assert.deepEqual([store.view.last_seq, store.latest.last_seq, store.position], [2, 9, 9]);
  store.goTo(null);
  paint();
  assert.deepEqual(drawn, [0, 2, 2, 9]);
});

test("a moment that is not read yet comes into sight as the log does", () => {
  const { store, send } = setUp();
  store.goTo(6);
  send(1, 4);
  assert.equal(store.view.last_seq, 4);
  send(5, 9);
  assert.equal(store.view.last_seq, 6);
});
