import assert from "node:assert/strict";
import { test } from "node:test";
import { match, pieces, places, rank } from "../../static/js/lib/fuzzy.js";

const best = (query, ...texts) => rank(query, texts, (text) => [text]).map(({ item }) => item);

test("beginnings of words come before the middle of words, pieces before strewn letters", () => {
  assert.deepEqual(best("run", "Prune the roses", "Runs", "New run"), ["Runs", "New run", "Prune the roses"]);
  assert.deepEqual(best("gs", "Settings", "Go to settings"), ["Settings", "Go to settings"]);
  assert.deepEqual(best("set", "Go to settings", "Settings", "Reset"), ["Settings", "Go to settings", "Reset"]);
});

test("initials find, letters strewn over a sentence do not", () => {
  assert.deepEqual(best("ng", "New group", "Metrics"), ["New group"]);
  assert.deepEqual(best("xyz", "New group"), []);
  assert.equal(match("eaz", "the quick brown fox jumps over a lazy dog"), null);
  assert.equal(match("tzy", "the quick brown fox jumps over a lazy dog"), null);
});

test("every word counts, in any order and case, in Chinese as well", () => {
  assert.deepEqual(best("harb START", "Start a run in Harbour", "Start a run in Quay"), ["Start a run in Harbour"]);
  assert.deepEqual(best("新建", "智能体", "新建群组"), ["新建群组"]);
  assert.deepEqual(best("新组", "新建群组", "设置"), ["新建群组"]);
});

test("other words of an item find it behind those that bear them as names", () => {
  const items = [{ name: "Colours: dark", also: "theme night" }, { name: "Theme" }];
  const found = rank("theme", items, ({ name, also = "" }) => [name, also]);
  assert.deepEqual(found.map(({ item }) => item.name), ["Theme", "Colours: dark"]);
  assert.deepEqual(found[1].marks, []);
});

test("without a query everything stays in its order", () => {
  assert.deepEqual(best(" ", "b", "a"), ["b", "a"]);
});

test("what matched is marked, and nothing is lost", () => {
  assert.deepEqual(match("new gr", "New group").marks, [[0, 3], [4, 6]]);
  assert.deepEqual(places("ab cd", "abcd xab"), [[0, 4], [6, 8]]);
  for (const [text, marks] of [["New group", [[0, 3], [4, 6]]], ["whole", [[0, 5]]], ["none", []]]) {
    const found = pieces(text, marks);
    assert.equal(found.map((piece) => piece.text).join(""), text);
    assert.deepEqual(found.filter((piece) => piece.marked).map((piece) => piece.text), marks.map(([a, b]) => text.slice(a, b)));
  }
  assert.deepEqual(places("i", "İi"), []);
});
