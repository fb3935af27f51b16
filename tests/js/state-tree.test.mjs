import assert from "node:assert/strict";
import { test } from "node:test";
import { blameAt, changesIn, findIn, Folds, rowsOf, same, windowOf } from "../../static/js/sync/tree.js";

const paths = (rows) => rows.map(({ path }) => path);
const changes = (rows) => Object.fromEntries(rows.map(({ path, change }) => [path, change]));

test("a document is flat lines, closed branches left out", () => {
  const data = { a: 1, b: { c: [true, null], d: {} } };
  const folds = new Folds();
  assert.deepEqual(paths(rowsOf(data, folds)), ["/a", "/b", "/b/c", "/b/c/0", "/b/c/1", "/b/d"]);
  folds.set("/b/c", false);
  assert.deepEqual(paths(rowsOf(data, folds)), ["/a", "/b", "/b/c", "/b/d"]);
  const row = rowsOf(data, folds)[2];
  assert.deepEqual([row.level, row.index, row.size, row.branch, row.open], [2, 1, 2, true, false]);
  folds.every("none");
  assert.deepEqual(paths(rowsOf(data, folds)), ["/a", "/b"]);
  folds.reveal("/b/c/1");
  assert.deepEqual(paths(rowsOf(data, folds)), ["/a", "/b", "/b/c", "/b/c/0", "/b/c/1", "/b/d"]);
});

test("long and deep branches begin closed, and all opens at once", () => {
  const long = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, n]));
  const data = { long, a: { b: { c: { d: 1 } } } };
  assert.deepEqual(paths(rowsOf(data, new Folds())), ["/long", "/a", "/a/b", "/a/b/c"]);
  const folds = new Folds();
  folds.every("all");
  assert.equal(rowsOf(data, folds).length, 30 + 5);
});

test("ten thousand leaves are laid out within a frame or two", () => {
  const data = Object.fromEntries(
    Array.from({ length: 100 }, (_, n) => [`k${n}`, Object.fromEntries(Array.from({ length: 100 }, (_, m) => [`v${m}`, m]))]),
  );
  const folds = new Folds();
  folds.every("all");
  rowsOf(data, folds);
  const began = performance.now();
  const rows = rowsOf(data, folds);
  assert.equal(rows.length, 10_100);
  assert.ok(performance.now() - began < 500, `${performance.now() - began} ms`);
  const view = windowOf({ count: rows.length, top: 26 * 5_000, height: 600, row: 26 });
  assert.ok(view.first > 4_900 && view.last - view.first < 60);
  assert.deepEqual(windowOf({ count: 3, top: 0, height: 600, row: 26 }), { first: 0, last: 3 });
});

test("two documents: what was added, removed, changed, and where", () => {
  const before = { keep: { x: 1 }, gone: 1, list: [1, 2, 3], kind: 1, same: 9007199254740993n };
  const data = { keep: { x: 2, y: 3 }, list: [1, 9], kind: { z: 1 }, same: 9007199254740993n };
  const rows = rowsOf(data, new Folds(), { before });
  assert.deepEqual(changes(rows), {
    "/keep": "inside", "/keep/x": "changed", "/keep/y": "added", "/gone": "removed", "/list": "inside", "/list/0": "",
    "/list/1": "changed", "/list/2": "removed", "/kind": "changed", "/kind/z": "added", "/same": "",
  });
  assert.equal(rows.find(({ path }) => path === "/keep/x").before, 1);
  assert.deepEqual(paths(rowsOf(data, new Folds(), { before, only: true })), [
    "/keep", "/keep/x", "/keep/y", "/gone", "/list", "/list/1", "/list/2", "/kind", "/kind/z",
  ]);
  assert.deepEqual(changesIn(data, before), { added: 1, removed: 2, changed: 3 });
});

test("what came or went as a whole is marked down to its leaves", () => {
  const rows = rowsOf({ b: { c: 1 } }, new Folds(), { before: { a: { d: { e: 1 } } } });
  assert.deepEqual(changes(rows), { "/a": "removed", "/a/d": "removed", "/a/d/e": "removed", "/b": "added", "/b/c": "added" });
});

test("a branch that became a value is shown as the value that it is", () => {
  const [row] = rowsOf({ a: 1 }, new Folds(), { before: { a: { b: 1 } } });
  assert.deepEqual([row.branch, row.change, row.value], [false, "changed", 1]);
});

test("members named as an object's own are members", () => {
  const data = JSON.parse('{"__proto__": {"x": 1}, "constructor": 2, "toString": 3}');
  assert.deepEqual(paths(rowsOf(data, new Folds())), ["/__proto__", "/__proto__/x", "/constructor", "/toString"]);
  assert.deepEqual(rowsOf({}, new Folds(), { before: data }).map(({ change }) => change), ["removed", "removed", "removed", "removed"]);
  assert.ok(!same({}, JSON.parse('{"constructor": 1}')) && same(data, structuredClone(data)));
});

test("the same JSON is the same, whatever the order of keys", () => {
  assert.ok(same({ a: 1, b: [null] }, { b: [null], a: 1 }));
  assert.ok(!same([1], { 0: 1 }) && !same([1, 2], [2, 1]) && !same(true, 1) && !same({ a: undefined }, {}));
});

test("words are found in keys and values, in the order of the document", () => {
  const data = { Budget: { sails: 70, note: "for SAILS" }, "a/b": 1 };
  assert.deepEqual(findIn(data, " sails "), ["/Budget/sails", "/Budget/note"]);
  assert.deepEqual(findIn(data, "70"), ["/Budget/sails"]);
  assert.deepEqual(findIn(data, "/budget/s"), ["/Budget/sails"]);
  assert.deepEqual(findIn(data, "/a~1b"), ["/a~1b"]);
  assert.deepEqual(findIn(data, ""), []);
});

test("a leaf's writer, and of a branch the last one under it", () => {
  const wrote = (agent, version) => ({ agent, version, at: "2026-01-01T00:00:00Z" });
  const blame = { "/a/x": wrote("agent:w", 2), "/a/y": wrote("agent:v", 7), "/ab": wrote("agent:u", 9) };
  assert.equal(blameAt(blame, "/a/x").agent, "agent:w");
  assert.equal(blameAt(blame, "/a").version, 7);
  assert.equal(blameAt(blame, "/b"), null);
});
