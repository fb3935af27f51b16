import assert from "node:assert/strict";
import { test } from "node:test";
import { Focus, openView, readFields, writeFields } from "../../static/js/run/focus.js";

function newPage(search = "") {
  const page = { now: search, writes: 0, waiting: [] };
  page.search = () => page.now;
  page.later = (write) => page.waiting.push(write);
  page.replace = (next) => {
    page.now = next;
    page.writes += 1;
  };
  page.flush = () => page.waiting.splice(0).forEach((write) => write());
  return page;
}

test("whatever is looked at survives a reload", () => {
  const page = newPage();
  const all = { view: "timeline", subtask: "s1", agent: "白石", seq: 12, at: 40, speed: 0.25, agents: ["a", "b"], types: ["tool.started"], q: "a&b=c?", idle: true, from: 100, to: 2000 };
  new Focus(page).set(all);
  page.flush();
  const again = new Focus(newPage(page.now));
  for (const [name, value] of Object.entries(all)) assert.deepEqual(again[name], value, name);
});

test("an address says only what was chosen, and keeps what is not ours", () => {
  const page = newPage("?from_mail=1");
  const focus = new Focus(page);
  focus.set({ q: "disk", speed: 5 });
  focus.set({ speed: 1 });
  page.flush();
  assert.equal(page.now, "?from_mail=1&q=disk");
  assert.equal(writeFields(readFields("")), "");
});

test("idle stretches are left out where they are most of the run, unless somebody chose otherwise", () => {
  const page = newPage();
  const focus = new Focus(page);
  const told = [];
  focus.addEventListener("change", ({ detail }) => told.push([...detail]));
  assert.deepEqual([focus.idle, focus.idleByItself], [false, false]);
  focus.suggestIdle(true);
  focus.suggestIdle(true);
  assert.deepEqual([focus.idle, focus.idleByItself, told], [true, true, [["idle"]]]);
  page.flush();
  assert.equal(page.now, "", "nobody chose it: it does not stand in the address");
  focus.set({ idle: false });
  assert.deepEqual([focus.idle, focus.idleByItself], [false, false]);
  page.flush();
  assert.equal(page.now, "?idle=0");
  const again = new Focus(newPage(page.now));
  again.suggestIdle(true);
  assert.equal(again.idle, false);
  const chosen = new Focus(newPage("?idle=1"));
  assert.deepEqual([chosen.idle, chosen.idleByItself], [true, false]);
});

test("what nobody chose is the story, and the report once there is one", () => {
  const now = { reported: false, isReading: false, isLooking: false };
  assert.equal(openView("", now), "story");
  assert.equal(openView("", { ...now, reported: true }), "report");
  assert.equal(openView("", { ...now, reported: true, isReading: true }), "story");
  assert.equal(openView("", { ...now, reported: true, isLooking: true }), "story");
  assert.equal(openView("graph", { ...now, reported: true }), "graph");
  assert.equal(openView("report", now), "report");
});

test("the same always has the same address", () => {
  const [one, other] = [newPage(), newPage("?q=disk&at=4&view=log")];
  const first = new Focus(one);
  first.set({ q: "disk" });
  first.set({ at: 4, view: "log" });
  new Focus(other).set({ speed: 1, agents: ["ada"] });
  for (const page of [one, other]) page.flush();
  assert.equal(one.now, "?view=log&at=4&q=disk");
  assert.equal(other.now, "?view=log&at=4&agents=ada&q=disk");
});

test("what an address says wrongly is as by default", () => {
  const fields = readFields("?view=nonsense&seq=-3&at=1e9&speed=400&from=x&agents=,,&idle=yes");
  assert.deepEqual(fields, readFields(""));
});

test("many changes in a row write the address once, with the last of them", () => {
  const page = newPage();
  const focus = new Focus(page);
  for (let at = 1; at <= 50; at += 1) focus.set({ at });
  page.flush();
  assert.equal(page.writes, 1);
  assert.equal(page.now, "?at=50");
});

test("listeners are told once what changed, and not of what did not", () => {
  const focus = new Focus(newPage("?view=story&subtask=s1"));
  const told = [];
  focus.addEventListener("change", ({ detail }) => told.push([...detail].toSorted()));
  focus.set({ subtask: "s1", agents: [] });
  focus.set({ subtask: "s2", seq: 4, view: "story" });
  assert.deepEqual(told, [["seq", "subtask"]]);
});

test("picking one thing forgets the others, and marks what belongs to it", () => {
  const focus = new Focus(newPage());
  focus.pick({ agent: "ada" });
  assert.ok(focus.marks({ subtask: "s1", agent: "ada" }));
  assert.ok(!focus.marks({ subtask: "s1", agent: "bob" }));
  focus.pick({ subtask: "s1", agent: "ada", seq: 3 });
  assert.ok(focus.marks({ subtask: "s1", agent: "bob" }));
  assert.ok(!focus.marks({ subtask: "s2", agent: "ada" }));
  focus.pick();
  assert.deepEqual([focus.subtask, focus.agent, focus.seq], ["", "", null]);
  assert.ok(!focus.marks({ subtask: "", agent: "" }));
});
