import assert from "node:assert/strict";
import { test } from "node:test";
import { Drafts, Undo } from "../../static/js/sync/drafts.js";
import { beside, everyField, fieldsOf, opOf, wordsOf } from "../../static/js/sync/fields.js";
import { lineOf, linesOf, spanOf } from "../../static/js/sync/lines.js";
import { Picks } from "../../static/js/sync/picks.js";
import { faultOf, rulesOf, withRule } from "../../static/js/sync/rules.js";

const memory = () => {
  const held = new Map();
  return { getItem: (key) => held.get(key) ?? null, setItem: (key, value) => held.set(key, value), removeItem: (key) => held.delete(key) };
};
const draft = { text: '{"a": 2}', version: "3", uid: "u", at: 7 };

test("a draft is kept until it is dropped, and offered only when it says something else", () => {
  const storage = memory();
  const drafts = new Drafts("DevTeam/plan", storage);
  assert.equal(drafts.find("{}"), null);
  assert.ok(drafts.keep(draft));
  assert.deepEqual(new Drafts("DevTeam/plan", storage).find("{}"), draft);
  assert.equal(new Drafts("DevTeam/other", storage).find("{}"), null);
  assert.equal(drafts.find(draft.text), null);
  drafts.drop();
  assert.equal(drafts.find("{}"), null);
});

test("without storage, or with one that is full or broken, nothing fails", () => {
  const full = { getItem: () => "{oops", setItem: () => { throw new Error("full"); }, removeItem: () => { throw new Error("no"); } };
  for (const storage of [null, full]) {
    const drafts = new Drafts("x", storage);
    assert.equal(drafts.keep(draft), false);
    assert.equal(drafts.find(""), null);
    drafts.drop();
  }
  assert.equal(new Drafts("x", memory()).keep({ ...draft, text: "x".repeat(2_000_001) }), false);
});

test("undo and redo; what is typed in one breath is one step", () => {
  const undo = new Undo("a");
  undo.push("ab", 1_000);
  undo.push("abc", 1_100);
  undo.push("abcd", 9_000);
  assert.deepEqual([undo.undo(), undo.undo(), undo.undo(), undo.redo()], ["abc", "a", "a", "abc"]);
  undo.push("x", 9_100);
  assert.deepEqual([undo.canRedo, undo.undo()], [false, "abc"]);
  const short = new Undo("0", 3);
  for (const text of ["1", "2", "3", "4"]) short.push(text);
  assert.deepEqual([short.undo(), short.undo(), short.canUndo], ["3", "2", false]);
});

test("each path has its line, and a fault its place", () => {
  const text = '{\n  "a": {"b": [1,\n    "x\\n"]},\n  "c/d": -1.5e3\n}';
  const { lines, fault } = linesOf(text);
  assert.equal(fault, null);
  assert.deepEqual(Object.fromEntries(lines), { "": 1, "/a": 2, "/a/b": 2, "/a/b/0": 2, "/a/b/1": 3, "/c~1d": 4 });
  assert.equal(lineOf(lines, "/a/b/1/x/y"), 3);
  assert.equal(lineOf(lines, "/nothing"), 1);
  assert.deepEqual(spanOf(text, 4), { begin: text.indexOf('  "c/d"'), end: text.indexOf("\n}") });
});

test("where a text stops being JSON", () => {
  const at = (text) => { const { fault } = linesOf(text); return fault && [fault.line, fault.column]; };
  assert.deepEqual(at('{\n  "a": 1,\n}'), [3, 1]);
  assert.deepEqual(at('{"a" 1}'), [1, 6]);
  assert.deepEqual(at("{} x"), [1, 4]);
  assert.deepEqual(at('{"a": 01}'), [1, 8]);
  assert.deepEqual(at(""), [1, 1]);
  assert.equal(at('[true, null, "\\u00e9", {}, []]'), null);
  assert.ok(linesOf("[".repeat(100_000)).fault);
});

const SCHEMA = {
  type: "object", required: ["title"],
  properties: {
    title: { type: "string", title: "Title", minLength: 3, description: "Its name" },
    status: { enum: ["draft", 1, null] },
    budget: { type: "object", properties: { sails: { type: ["integer", "null"], minimum: 0 } } },
    crew: { type: "array", items: { $ref: "#/$defs/name" } },
    open: { type: "boolean" }, notes: { anyOf: [{ type: "string" }] },
    due: { allOf: [{ type: "string" }, { format: "date" }] },
  },
  $defs: { name: { type: "string" } },
};

test("a schema's properties are the fields of a form", () => {
  const fields = fieldsOf(SCHEMA, { title: "Spring", crew: ["wim"], extra: 1 });
  assert.deepEqual(fields.map(({ path, kind }) => [path, kind]), [
    ["/title", "text"], ["/status", "choice"], ["/budget", "group"], ["/crew", "lines"], ["/open", "yes"], ["/notes", "json"], ["/due", "text"],
  ]);
  const [title] = fields;
  assert.deepEqual([title.label, title.help, title.required, title.limits, title.value], ["Title", "Its name", true, ["minlength=3"], "Spring"]);
  assert.deepEqual(everyField(fields).find(({ path }) => path === "/budget/sails").limits, ["min=0"]);
  assert.equal(fields.at(-1).format, "date");
  assert.deepEqual(beside(fields, { title: 1, extra: 2 }), ["extra"]);
  assert.deepEqual(fieldsOf(null, {}), []);
});

test("a value of another kind than the schema wants is shown as the JSON that it is", () => {
  const kinds = Object.fromEntries(fieldsOf(SCHEMA, { title: 7, budget: 3, crew: [1], open: "x" }).map(({ path, kind }) => [path, kind]));
  assert.deepEqual([kinds["/title"], kinds["/budget"], kinds["/crew"], kinds["/open"]], ["json", "json", "json", "json"]);
});

test("what is entered becomes an operation, or nothing while it is no such value", () => {
  const field = (path) => everyField(fieldsOf(SCHEMA, {})).find((each) => each.path === path);
  assert.deepEqual(opOf(field("/title"), ""), { op: "set", path: "/title", value: "" });
  assert.deepEqual(opOf(field("/due"), ""), { op: "delete", path: "/due" });
  assert.deepEqual(opOf(field("/budget/sails"), "9007199254740993").value, 9007199254740993n);
  assert.equal(opOf(field("/budget/sails"), "x"), null);
  assert.deepEqual(opOf(field("/crew"), "wim\n\n wes "), { op: "set", path: "/crew", value: ["wim", "wes"] });
  assert.deepEqual(opOf(field("/status"), "null"), { op: "set", path: "/status", value: null });
  assert.equal(wordsOf({ kind: "lines", value: ["a", "b"] }), "a\nb");
  assert.equal(wordsOf({ kind: "choice", value: "draft" }), '"draft"');
});

test("references in a circle end", () => {
  const circle = { properties: { a: { $ref: "#/properties/a" } } };
  assert.equal(fieldsOf(circle, {})[0].kind, "json");
});

test("merge rules of a schema, by path", () => {
  const schema = { properties: { crew: { type: "array", "x-stars-merge": "set", items: { "x-stars-merge": "text3" } } } };
  assert.deepEqual(rulesOf(schema), [{ path: "/crew", strategy: "set" }, { path: "/crew/*", strategy: "text3" }]);
  const more = withRule(withRule(schema, "/stock/*/n", "counter"), "", "atomic");
  assert.deepEqual(rulesOf(more).map(({ path }) => path), ["", "/crew", "/crew/*", "/stock/*/n"]);
  assert.deepEqual(rulesOf(schema).length, 2);
  const less = withRule(more, "/crew/*", "");
  assert.deepEqual(rulesOf(less).map(({ path }) => path), ["", "/crew", "/stock/*/n"]);
  assert.deepEqual(withRule({}, "/nothing/here", ""), {});
  assert.deepEqual([faultOf(""), faultOf("/a~0b"), faultOf("a"), faultOf("/a~2")], ["", "", "slash", "tilde"]);
});

test("picks: on to what is open, and round at the ends", () => {
  const picks = new Picks(["/a", "/b", "/c"]);
  picks.pick("/a", "mine");
  assert.ok(picks.goOn());
  assert.equal(picks.path, "/b");
  assert.equal(picks.go(-1), "/a");
  assert.equal(picks.go(-1), "/c");
  picks.pick("/c", "base");
  assert.deepEqual(picks.open, ["/b"]);
  picks.pick("/b", "value");
  assert.equal(picks.goOn(), false);
  assert.equal(new Picks([]).go(1), "");
});
