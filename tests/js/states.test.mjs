import assert from "node:assert/strict";
import { test } from "node:test";
import { children, isBranch, parse, shown, typeOf } from "../../static/js/lib/json-tree.js";
import { together } from "../../static/js/live.js";

test("whole numbers beyond what JavaScript counts stay whole", () => {
  const data = parse('{"big": 9007199254740993, "min": -9223372036854775808, "small": 7, "half": 0.5, "far": 1e300}');
  assert.deepEqual(Object.values(data).map(shown), ["9007199254740993", "-9223372036854775808", "7", "0.5", "1e+300"]);
  assert.deepEqual(Object.values(data).map(typeOf), ["number", "number", "number", "number", "number"]);
});

test("members have their paths as JSON Pointers", () => {
  const data = { "a/b": 1, "c~d": [null, {}], "": true };
  assert.deepEqual(children(data, "").map(({ path }) => path), ["/a~1b", "/c~0d", "/"]);
  assert.deepEqual(children(data["c~d"], "/c~0d").map(({ key, path }) => [key, path]), [["0", "/c~0d/0"], ["1", "/c~0d/1"]]);
  assert.deepEqual(children("text", ""), []);
});

test("empty objects and arrays are leaves", () => {
  assert.deepEqual([{}, [], null, "", { a: 1 }, [0]].map(isBranch), [false, false, false, false, true, true]);
  assert.deepEqual([{}, [], null, "x", false].map(shown), ["{}", "[]", "null", '"x"', "false"]);
});

test("two pokes become one that tells of the states of both, or of any", () => {
  const poke = (states, topic = "space:a") => ({ topic, revision: 7, states });
  assert.deepEqual(together(poke(["x", "y"]), poke(["y", "z"])), { topic: "space:a", revision: 7, states: ["x", "y", "z"] });
  for (const other of [poke(undefined), poke([]), poke(["x"], "space:b")]) {
    assert.equal(together(poke(["x"]), other).states, undefined);
    assert.equal(together(other, poke(["x"])).states, undefined);
  }
});
