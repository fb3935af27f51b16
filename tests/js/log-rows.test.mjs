import assert from "node:assert/strict";
import { test } from "node:test";
import { rowAfter } from "../../static/js/run/log-keys.js";
import { LogRows } from "../../static/js/run/log-rows.js";
import { initial, reduceAll } from "../../static/js/run/reducer.js";
import { item, planned } from "./log.mjs";

/** A log that ends with five pieces of text by two agents and a step between; its store, and its length. */
function written() {
  const log = planned([item("a")]);
  for (const [who, said] of [["wim", "one"], ["wim", "two"], ["", ""], ["nora", "three"], ["wim", "four"], ["wim", "five"]]) {
    if (who) log.say("text.delta", { text: said }, "id-a", who);
    else log.say("state.changed", { state_id: "x", version: 1 }, "id-a", "wim");
  }
  return { events: log.events, latest: reduceAll(initial(), log.events) };
}

test("each event is in a row, and each row knows its events, its first and its last", () => {
  const store = written();
  const rows = new LogRows();
  rows.take(store);
  rows.cut(store.events.length);
  const [end, last] = [store.events.length, rows.count - 1];
  assert.deepEqual(rows.of(last).map(({ seq }) => seq), [end - 2, end - 1, end]);
  assert.deepEqual([rows.first(last).seq, rows.endOf(last)], [end - 2, end]);
  for (const { seq } of store.events) assert.ok(rows.of(rows.rowOf(seq)).some((event) => event.seq === seq));
  assert.equal(rows.find((event) => event.agent_id === "nora"), last);
  assert.equal(rows.find(() => false), -1);
});

test("what is cut off has no row, and what is wanted no more neither", () => {
  const store = written();
  const rows = new LogRows();
  rows.take(store);
  rows.cut(store.events.length - 3);
  assert.equal(rows.rowOf(store.events.length), -1);
  assert.equal(rows.find((event) => event.agent_id === "nora"), -1);
  rows.want({ agents: ["nora"], types: [], q: "" });
  rows.take(store);
  rows.cut(store.events.length);
  assert.deepEqual([rows.count, rows.first(0).data.text, rows.rowOf(1)], [1, "three", -1]);
});

test("pieces that share a row are given rows of their own, and share it again", () => {
  const store = written();
  const rows = new LogRows();
  const end = store.events.length;
  const turned = (open) => {
    const done = rows.turn(end - 1, open);
    rows.cut(end);
    return [done, rows.count];
  };
  rows.take(store);
  rows.cut(end);
  const before = rows.count;
  assert.deepEqual([turned(true), turned(true)], [[true, before + 2], [false, before + 2]]);
  assert.ok(rows.isOpen(rows.first(rows.rowOf(end - 2))));
  assert.deepEqual(turned(false), [true, before]);
  assert.equal(rows.turn(1, true), false, "no piece of text");
});

test("keys lead from the row in focus, or from below the last", () => {
  const from = (here) => ["j", "ArrowUp", "PageDown", "PageUp", "Home", "End", "x"].map((key) => rowAfter(key, here, 40, 10));
  assert.deepEqual(from(5), [6, 4, 15, -5, 0, 39, undefined]);
  assert.deepEqual(from(-1), [41, 39, 50, 30, 0, 39, undefined]);
});
