import assert from "node:assert/strict";
import { test } from "node:test";
import { Keyboard, PATIENCE, caps, isApple, stepOf, steps } from "../../static/js/lib/keys.js";

const KINDS = { input: "input", textarea: "textarea", select: "select", button: "button", link: "a[href]", slider: "[role=slider]", list: "[role=listbox]" };

/** An element that matches the selectors which name its kind. */
const element = (kind, more = {}) => ({
  matches: (selectors) => selectors.split(", ").includes(KINDS[kind]),
  contains: (other) => other?.inside === kind,
  ...more,
});

const press = (key, more = {}) => ({
  key, code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false, keyCode: 0,
  defaultPrevented: false, target: null, ...more,
});

/** A keyboard with shortcuts of these keys, and what they did; `clock.now` is its time. */
function keyboard(...shortcuts) {
  const done = [];
  const clock = { now: 0 };
  const board = new Keyboard({ apple: false, now: () => clock.now });
  const forget = board.add(
    ...shortcuts.map((one) => (typeof one === "string" ? { keys: one } : one)).map((one) => ({
      section: "Page", text: String(one.keys), run: () => done.push(one.name ?? String(one.keys)), ...one,
    })),
  );
  return { board, clock, done, forget };
}

test("one key, a sequence and a chord run what they are for", () => {
  const { board, done } = keyboard("?", "g h", "g r", "mod+k", "shift+j");
  assert.equal(board.press(press("?", { shiftKey: true })), true);
  assert.equal(board.press(press("g")), true);
  assert.equal(board.press(press("r")), true);
  assert.equal(board.press(press("k", { ctrlKey: true })), true);
  assert.equal(board.press(press("J", { shiftKey: true })), true);
  assert.equal(board.press(press("j")), false);
  assert.equal(board.press(press("k")), false);
  assert.equal(board.press(press("h")), false);
  assert.deepEqual(done, ["?", "g r", "mod+k", "shift+j"]);
});

test("a sequence is forgotten after a while, by another key and not by a modifier", () => {
  const { board, clock, done } = keyboard("g h", "h", "n");
  board.press(press("g"));
  clock.now += PATIENCE + 1;
  board.press(press("h"));
  board.press(press("g"));
  board.press(press("n"));
  board.press(press("h"));
  board.press(press("g"));
  board.press(press("Shift"));
  board.press(press("h"));
  assert.deepEqual(done, ["h", "n", "h", "g h"]);
});

test("Ctrl is ⌘ on Apple's machines", () => {
  assert.deepEqual(["MacIntel", "iPhone", "Linux x86_64", "Win32"].map(isApple), [true, true, false, false]);
  assert.deepEqual(steps("mod+k", true), ["meta+k"]);
  assert.deepEqual(steps("shift+mod+k g +", false), ["ctrl+shift+k", "g", "+"]);
  assert.deepEqual(caps("mod+k", true), [["⌘", "K"]]);
  assert.deepEqual(caps("mod+k", false), [["Ctrl", "K"]]);
  assert.deepEqual(caps("g h"), [["G"], ["H"]]);
  assert.deepEqual(caps("shift+arrowup", false), [["Shift", "↑"]]);
});

test("keyboards of other scripts and sequences of an unshifted sign are understood", () => {
  assert.equal(stepOf(press("п", { code: "KeyG" })), "g");
  assert.equal(stepOf(press("ㅎ", { code: "KeyG", ctrlKey: true })), "ctrl+g");
  assert.equal(stepOf(press("z", { code: "KeyY" })), "z");
  assert.equal(stepOf(press(" ")), "space");
  assert.equal(stepOf(press("/", { shiftKey: true })), "/");
  assert.equal(stepOf(press("Control", { ctrlKey: true })), "");
});

test("a list that has the focus keeps the keys by which one walks it, and no letter", () => {
  const { board, done } = keyboard("f", "l", "?", "g h", "space", "arrowdown", "enter");
  const target = element("list");
  for (const key of ["f", "l", "?", "g", "h", " ", "ArrowDown", "Enter"]) board.press(press(key, { target }));
  assert.deepEqual(done, ["f", "l", "?", "g h"]);
});

test("nothing fires while one writes, composes, or when somebody else has handled the key", () => {
  const { board, done } = keyboard("n", "mod+k");
  for (const target of [
    element("input", { type: "text" }), element("input", { type: "search" }), element("textarea"), element("select"),
    element("", { isContentEditable: true }),
  ]) {
    assert.equal(board.press(press("n", { target })), false);
    assert.equal(board.press(press("k", { target, ctrlKey: true })), false);
  }
  for (const more of [{ isComposing: true }, { keyCode: 229 }, { defaultPrevented: true }]) {
    assert.equal(board.press(press("n", more)), false);
  }
  assert.deepEqual(done, []);
  assert.equal(board.press(press("n", { target: element("input", { type: "checkbox" }) })), true);
});

test("elements keep the keys that are theirs", () => {
  const { board, done } = keyboard("enter", "space", "arrowdown", "j");
  for (const [kind, key, taken] of [
    ["button", "Enter", false], ["link", "Enter", false], ["button", " ", false], ["button", "ArrowDown", true],
    ["slider", "ArrowDown", false], ["slider", "j", true], ["link", "j", true],
  ]) {
    assert.equal(board.press(press(key, { target: element(kind) })), taken, `${kind} ${key}`);
  }
  assert.deepEqual(done, ["arrowdown", "j", "j"]);
});

test("while a modal dialog is open only what belongs to it fires", () => {
  const { board, done } = keyboard("g h", { keys: "j", within: { inside: "dialog" } }, { keys: "k", within: { inside: "page" } });
  const modal = element("dialog");
  assert.deepEqual(["g", "h", "j", "k"].map((key) => board.press(press(key), modal)), [false, false, true, false]);
  assert.deepEqual(done, ["j"]);
});

test("conditions, withdrawal and the last registered decide, and the legend says the same", () => {
  let open = false;
  const { board, done, forget } = keyboard({ keys: "n", name: "page" }, { keys: ["x", "arrowup"], when: () => open });
  assert.equal(board.press(press("x")), false);
  assert.deepEqual(board.legend().map(({ shortcuts }) => shortcuts.map(({ keys }) => keys)), [["n"]]);
  open = true;
  assert.equal(board.press(press("ArrowUp")), true);
  const back = board.add({ section: "Box", keys: "n", text: "in the box", run: () => done.push("box") });
  board.press(press("n"));
  assert.deepEqual(board.legend().map(({ section, shortcuts }) => [section, shortcuts.map(({ text }) => text)]), [
    ["Page", ["x,arrowup"]],
    ["Box", ["in the box"]],
  ]);
  back();
  board.press(press("n"));
  forget();
  assert.equal(board.press(press("n")), false);
  assert.deepEqual(board.legend(), []);
  assert.deepEqual(done, ["x,arrowup", "box", "page"]);
});

test("what elements do themselves stands in the legend beside what the page does, and is pressed by nobody", () => {
  const { board, done } = keyboard("j", { keys: "j", text: "in the list", run: undefined }, { keys: "enter", text: "opens", run: undefined });
  assert.deepEqual(board.legend()[0].shortcuts.map(({ text }) => text), ["j", "in the list", "opens"]);
  assert.deepEqual(["j", "Enter"].map((key) => board.press(press(key))), [true, false]);
  assert.deepEqual(done, ["j"]);
});

test("shortcuts of plain keys can be switched off, those with Ctrl stay", () => {
  const { board, done } = keyboard("n", "g h", "mod+k");
  board.plain = false;
  assert.deepEqual(["n", "g", "h"].map((key) => board.press(press(key))), [false, false, false]);
  assert.equal(board.press(press("k", { ctrlKey: true })), true);
  assert.deepEqual(done, ["mod+k"]);
});
