import assert from "node:assert/strict";
import { test } from "node:test";
import { circleOf, differences, PlanDraft } from "../../static/js/run/plan-draft.js";
import { item } from "./log.mjs";

const plan = (...subtasks) => ({ note: "Because.", subtasks });
const draftOf = (...items) => {
  const draft = new PlanDraft();
  draft.open(plan(...items));
  return draft;
};
const needs = (draft) => Object.fromEntries(draft.items.map(({ key, depends_on: on }) => [key, on]));

test("a circle is named, and nothing is changed", () => {
  const draft = draftOf(item("a"), item("b", "a"), item("c", "b"));
  assert.deepEqual(draft.connect("c", "a"), ["c", "a", "b", "c"]);
  assert.deepEqual(draft.connect("a", "a"), ["a", "a"]);
  assert.equal(draft.changed, false);
  assert.deepEqual(draft.connect("a", "c"), []);
  assert.deepEqual(needs(draft), { a: [], b: ["a"], c: ["b", "a"] });
});

test("whatever is connected, in any order, nobody ever waits for itself: 300 random connections", () => {
  const keys = Array.from({ length: 20 }, (_, n) => `n${n}`);
  const draft = draftOf(...keys.map((key) => item(key)));
  let seed = 7;
  const next = (n) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  let refused = 0;
  for (let n = 0; n < 300; n += 1) {
    const [from, to] = [keys[next(20)], keys[next(20)]];
    const circle = draft.connect(from, to);
    if (!circle.length) continue;
    refused += 1;
    // Each of the circle waits for the one before it, but for the link that was refused.
    assert.deepEqual([circle[0], circle[1], circle.at(-1)], [from, to, from]);
    for (let at = 2; at < circle.length; at += 1) assert.ok(draft.item(circle[at]).depends_on.includes(circle[at - 1]));
  }
  assert.ok(refused > 20);
  const done = new Set();
  for (let round = 0; round < 20; round += 1) {
    for (const { key, depends_on: on } of draft.items) if (on.every((need) => done.has(need))) done.add(key);
  }
  assert.equal(done.size, 20);
});

test("an old plan with a circle in it does not hang", () => {
  const items = [item("a", "b"), item("b", "a"), item("c")];
  assert.deepEqual(circleOf(items, "a", "c"), []);
  assert.deepEqual(circleOf(items, "b", "a"), ["b", "a", "b"]);
});

test("removing lets nobody wait for what is gone; undone by hand it counts as unchanged", () => {
  const draft = draftOf(item("a"), item("b", "a"));
  draft.change("a", { title: "New" });
  assert.ok(draft.changed);
  draft.change("a", { title: "A" });
  assert.ok(!draft.changed);
  draft.disconnect("a", "b");
  draft.connect("a", "b");
  assert.ok(!draft.changed);
  draft.remove("a");
  assert.deepEqual(needs(draft), { b: [] });
});

test("what is added has a key of its own, also beside what was removed or is carried out already", () => {
  const draft = new PlanDraft();
  draft.open(plan(item("step-1"), item("step-2"), item("step-3")), new Set(["id-step-1"]));
  assert.deepEqual(draft.items.map(({ key }) => key), ["step-2", "step-3"]);
  draft.remove("step-3");
  assert.equal(draft.add("wim", ["step-2"]), "step-4");
  assert.deepEqual(needs(draft), { "step-2": [], "step-4": ["step-2"] });
  assert.equal(draft.value.subtasks[1].id, null);
});

test("who else changes the plan is met, and nothing of one's own is lost", () => {
  const draft = draftOf(item("a"), item("b", "a"));
  draft.change("a", { title: "Mine" });
  const theirs = plan({ ...item("a"), title: "Theirs" }, { ...item("c"), id: "id-new" });
  draft.meet(theirs);
  assert.deepEqual(draft.met, { added: ["C"], removed: ["B"], changed: ["Theirs"] });
  assert.deepEqual(draft.items.map(({ title }) => title), ["Mine", "B"]);
  draft.keep();
  assert.equal(draft.met, null);
  assert.ok(draft.changed);
  assert.deepEqual(draft.value.subtasks.map(({ id }) => id), ["id-a", null], "what they removed is new again");
  draft.open(theirs);
  assert.deepEqual(draft.items.map(({ title }) => title), ["Theirs", "C"]);
});

test("who makes of the plan what I made of it is no conflict", () => {
  const draft = draftOf(item("a"));
  draft.change("a", { title: "Better" });
  draft.meet(plan({ ...item("a"), title: "Better" }));
  assert.equal(draft.met, null);
  assert.ok(!draft.changed);
});

test("it tells of each change once, and of what kind it was", () => {
  const draft = draftOf(item("a"), item("b"));
  const told = [];
  draft.addEventListener("change", ({ detail }) => told.push(detail));
  draft.change("a", { instructions: "More." });
  draft.connect("a", "b");
  draft.connect("a", "b");
  draft.connect("b", "a");
  assert.deepEqual(told, ["text", "shape"]);
});

test("differences name titles", () => {
  const same = [item("a"), item("b")].map((one) => ({ ...one, assignee: "wim" }));
  assert.deepEqual(differences(same, same), { added: [], removed: [], changed: [] });
});
