import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST, Unreadable, checkSize, readLogFile } from "../../static/js/run/log-file.js";
import { item, planned } from "./log.mjs";

const { events } = planned([item("a")]);
const file = (more = {}) => ({
  format: "stars.run",
  version: 1,
  exported_at: "2026-03-04T06:00:00.000Z",
  run: { id: "r1", task: "Count\nall", mode: "leader_worker", group: { id: "h", name: "Harbour" }, last_seq: events.length, max_tokens: 5, max_cost_usd: null },
  events,
  ...more,
});
const read = (value) => readLogFile(typeof value === "string" ? value : JSON.stringify(value));

test("a whole file is taken as it is; what is new in it is passed over", () => {
  const told = read(file({ later: { things: 1 } }));
  assert.deepEqual(told.events, events);
  assert.deepEqual([told.about.id, told.about.caps, told.about.can_steer, told.group], ["r1", { tokens: 5, cost: null }, false, "Harbour"]);
  assert.equal(told.about.now, "2026-03-04T06:00:00.000Z");
});

test("what the head says, and the HTML of results by their Markdown, is read with care", () => {
  const { run } = file();
  const told = read(file({
    run: { ...run, created_at: "2026-03-04T05:06:07.000Z", created_by: "ada", failure_policy: "stop", result: "**7**" },
    subtasks: [{ id: "s1", result: "*one*" }, { id: "s2", result: "two" }, { id: "s3", result: "" }, null],
    attachments: [{ name: "ships.csv", size: 17 }, "none"],
    rendered: { report: "<p><strong>7</strong></p>", subtasks: { s1: "<p><em>one</em></p>", s2: 2, s3: "<p>x</p>" } },
  }));
  assert.deepEqual(told.facts, { started: "2026-03-04T05:06:07.000Z", by: "ada", failurePolicy: "stop", attachments: [{ name: "ships.csv", size: 17 }] });
  assert.deepEqual([...told.rendered], [["*one*", "<p><em>one</em></p>"], ["**7**", "<p><strong>7</strong></p>"]]);
  const bare = read(file({ rendered: [1], attachments: {}, subtasks: 7 }));
  assert.deepEqual([bare.facts, bare.rendered.size], [{ started: "", by: "", failurePolicy: "", attachments: [] }, 0]);
});

const { run } = file();
for (const [name, value, words] of [
  ["no JSON", "<html>", /^This is not JSON/],
  ["half of one", JSON.stringify(file()).slice(0, 300), /^This is not JSON, or not all of it/],
  ["another format", { format: "trace", version: 1 }, /^This is not a run of Stars/],
  ["a list", [], /^This is not a run of Stars/],
  ["nothing", "null", /^This is not a run of Stars/],
  ["a later version", file({ version: 2 }), /has version 2 .* reads version 1/],
  ["no run", file({ run: null }), /run or events are missing/],
  ["no events", file({ events: "none" }), /run or events are missing/],
  ["an empty log", file({ events: [], run: { ...run, last_seq: 0 } }), /not whole/],
  ["a gap", file({ events: events.toSpliced(2, 1) }), /gap: event 4 stands where 3 should/],
  ["an event twice", file({ events: events.toSpliced(2, 0, events[1]) }), /gap: event 2 stands where 3 should/],
  ["no event", file({ events: events.with(1, { seq: 2, type: "run.started" }) }), /entry 2 of its log is no event/],
  ["no time", file({ events: events.with(1, { ...events[1], at: "soon" }) }), /entry 2 of its log is no event/],
  ["too few", file({ run: { ...run, last_seq: 99 } }), /has 6 of 99 events/],
]) {
  test(`refused: ${name}`, () => assert.throws(() => read(value), (error) => error instanceof Unreadable && words.test(error.message)));
}

test("a file that a browser cannot hold is refused before it is read", () => {
  checkSize({ size: MOST });
  assert.throws(() => checkSize({ size: MOST + 1 }), /200 MB/);
});
