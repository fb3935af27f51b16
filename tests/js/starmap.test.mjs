/** The star map: places for any number of members, what members are at, and how much of the traffic is shown. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { curve, layout, nextStar, pointAt, shortened, textWidth, thickness } from "../../static/js/group/map-layout.js";
import { arrived, begin, follow, lineKey, standing } from "../../static/js/group/map-state.js";
import { Pulses, TRAVEL } from "../../static/js/group/pulses.js";

const names = (count) => Array.from({ length: count }, (_, n) => `support-agent-number-${n + 1}`);

test("from 1 to 200 members nothing overlaps and nothing leaves the map, on a desk and on a phone", () => {
  for (const width of [326, 560, 1200]) {
    for (let count = 1; count <= 200; count += 1) {
      const { stars, height, size } = layout("leader", names(count - 1), width);
      assert.equal(stars.length, count);
      for (const [index, { box, x, y, r, label }] of stars.entries()) {
        const told = `${count} members in ${width}: ${index}`;
        assert.ok(box.x >= 0 && box.x + box.width <= width && box.y >= 0 && box.y + box.height <= height, told);
        assert.ok(x - r >= box.x && x + r <= box.x + box.width && y - r >= box.y, told);
        assert.ok(textWidth(label) <= box.width, told);
        assert.ok(label || size === "small", told);
        for (const other of stars.slice(index + 1)) {
          const apart =
            box.x + box.width <= other.box.x ||
            other.box.x + other.box.width <= box.x ||
            box.y + box.height <= other.box.y ||
            other.box.y + other.box.height <= box.y;
          assert.ok(apart, `${told} and ${other.id}`);
        }
      }
    }
  }
});

test("a map of twelve has one ring, and even 200 fit on a screen", () => {
  const one = layout("leader", names(12), 660);
  assert.deepEqual([one.rings.length, one.size], [1, "medium"]);
  assert.equal(layout("leader", names(8), 660).size, "large");
  assert.ok(one.height <= 560, `${one.height}`);
  assert.ok(layout("leader", names(30), 660).height <= 640);
  assert.ok(layout("leader", names(199), 660).height <= 560);
  assert.equal(layout(null, names(3), 660).stars.length, 3);
  assert.equal(layout("leader", [], 660).stars.length, 1);
});

test("a map is as tall as its stars need, and the page keeps that room before they are drawn", () => {
  const css = readFileSync(new URL("../../static/css/components/star-map.css", import.meta.url), "utf8");
  const usual = Number(/--expected: ([\d.]+)rem/.exec(css)[1]) * 16;
  for (let members = 1; members <= 12; members += 1) {
    const { stars, height } = layout("leader", names(members - 1), 625);
    const above = Math.min(...stars.map(({ box }) => box.y));
    const below = height - Math.max(...stars.map(({ box }) => box.y + box.height));
    assert.ok(above <= 40 && Math.abs(above - below) < 1, `${members}: ${above} above, ${below} below`);
    const rule = new RegExp(`data-members="${members}"[^{]*{\\s*--expected: ([\\d.]+)rem`).exec(css);
    const kept = rule ? Number(rule[1]) * 16 : usual;
    assert.ok(Math.abs(height - kept) <= 20, `${members}: ${height}, and ${kept} kept`);
  }
});

test("the leader stands in the centre, and the same members always get the same places", () => {
  const { stars, centre } = layout("lea", names(7), 600);
  assert.deepEqual({ x: stars[0].x, y: stars[0].y }, centre);
  assert.deepEqual(layout("lea", names(7), 600), layout("lea", names(7), 600));
});

test("names that are too long keep their beginning and their end", () => {
  assert.equal(shortened("wim", 80), "wim");
  assert.match(shortened("support-agent-number-17", 90), /^supp.*….*17$/);
  assert.match(shortened("数据分析与质量检查员二号", 90), /^数据.*….*二号$/);
  assert.ok(textWidth(shortened("W".repeat(64), 60)) <= 60);
});

test("arrows lead from star to star, and every star can be reached", () => {
  for (const count of [1, 2, 5, 30, 120]) {
    const { stars } = layout("lea", names(count), 640);
    const reached = new Set(["lea"]);
    const waiting = ["lea"];
    while (waiting.length) {
      const from = waiting.pop();
      for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) {
        const to = nextStar(stars, from, key);
        if (!reached.has(to)) waiting.push(to);
        reached.add(to);
      }
    }
    assert.equal(reached.size, count + 1, `${count}`);
  }
  const { stars } = layout("lea", ["west", "east"], 640);
  assert.equal(nextStar(stars, "lea", "ArrowLeft"), "west");
  assert.equal(nextStar(stars, "west", "ArrowLeft"), "west");
});

test("lines between workers go round the leader, those of the leader are straight", () => {
  const centre = { x: 100, y: 100 };
  const straight = curve(centre, { x: 200, y: 100 }, centre);
  assert.deepEqual(pointAt(straight, 0.5), { x: 150, y: 100 });
  const opposite = pointAt(curve({ x: 0, y: 100 }, { x: 200, y: 100 }, centre), 0.5);
  assert.ok(Math.hypot(opposite.x - 100, opposite.y - 100) > 20);
  assert.deepEqual([pointAt(straight, 0), pointAt(straight, 1)], [straight.from, straight.to]);
  assert.ok(thickness(0) < thickness(3) && thickness(3) < thickness(40) && thickness(1e9) === 5);
});

const member = (id, role = "worker", more = {}) => ({
  id, name: "", kind: "builtin", role, tags: [], away: false, failing: false, load: 0, most: 0, ...more,
});
const FACTS = {
  members: [member("lea", "leader"), member("wim"), member("wes", "worker", { away: true })],
  runs: [{ id: "r1", status: "running", seq: 10, task: "Count", mode: "leader_worker" }],
  active: [{ id: "s1", run: "r1", agent: "wim", status: "running" }],
  lines: [{ between: ["lea", "wim"], messages: 4 }],
  news: [{ id: 7, from: "lea", to: ["wim"] }],
};
let seq = 10;
const event = (type, agent_id, subtask, data = {}) => ({ type, agent_id, subtask, data, seq: ++seq });

test("what members are at follows the logs of the group's runs", () => {
  const sky = begin(FACTS);
  const at = (id) => standing(sky, id);
  assert.deepEqual(at("wim"), { word: "working", count: 1 });
  assert.deepEqual([at("lea").word, at("wes").word], ["idle", "away"]);
  const passed = follow(
    sky,
    "r1",
    [
      { ...event("subtask.started", "wim", "old"), seq: 9 },
      event("subtask.started", "wim", "s2"),
      event("text.delta", "wim", "s2", { text: "One" }),
      event("subtask.completed", "wim", "s1"),
    ],
    "running",
  );
  assert.deepEqual(passed, [
    { from: "lea", to: "wim", what: "subtask" },
    { from: "wim", to: "wim", what: "text" },
    { from: "wim", to: "lea", what: "result" },
  ]);
  assert.deepEqual(at("wim"), { word: "working", count: 1 });
  follow(sky, "r1", [event("subtask.waiting", "wim", "s2")], "running");
  assert.deepEqual(at("wim"), { word: "waiting", count: 1 });
  follow(sky, "r1", [event("subtask.retrying", "wim", "s2"), event("run.paused", null, null)], "paused");
  assert.equal(at("wim").word, "paused");
  follow(sky, "r1", [], "awaiting_approval");
  assert.equal(at("lea").word, "waiting");
  follow(sky, "r1", [event("subtask.failed", "wim", "s2")], "running");
  assert.equal(at("wim").word, "failing");
  follow(sky, "r1", [event("subtask.started", "wim", "s3")], "running");
  follow(sky, "r1", [event("run.completed", null, null)], "completed");
  assert.deepEqual([at("wim").word, sky.runs.size, sky.active.size], ["failing", 0, 0]);
  // A run that is not followed, and an agent that has left, change nothing that is drawn.
  assert.deepEqual(follow(sky, "r9", [event("subtask.started", "gone", "s9")], "running"), []);
});

test("messages that are new pass once, those for everyone over the leader", () => {
  const sky = begin(FACTS);
  const news = [
    { id: 9, from: "wim", to: [] },
    { id: 8, from: "system", to: ["wes"] },
    { id: 10, from: "wim", to: ["wes", "ghost"] },
    ...FACTS.news,
  ];
  assert.deepEqual(arrived(sky, { ...FACTS, news }), [
    { from: "wes", to: "wes", what: "message" },
    { from: "wim", to: "lea", what: "message" },
    { from: "wim", to: "wes", what: "message" },
  ]);
  assert.deepEqual(arrived(begin({ ...FACTS, news }), { ...FACTS, news }), []);
  assert.equal(lineKey("wim", "lea"), lineKey("lea", "wim"));
});

test("200 events a second are shown as a few lights, and every event is told of", () => {
  const pulses = new Pulses();
  let shown = 0;
  let told = 0;
  let most = 0;
  for (let n = 0; n < 2000; n += 1) {
    const now = n * 5;
    const light = pulses.offer(`line ${n % 20}`, now);
    shown += light > 0 ? 1 : 0;
    told += light;
    most = Math.max(most, pulses.travelling(now));
  }
  const held = Array.from({ length: 20 }, (_, n) => pulses.held(`line ${n}`)).reduce((sum, each) => sum + each, 0);
  assert.ok(most <= 24, `${most} lights at once`);
  assert.ok(shown <= (24 * 10_000) / TRAVEL + 24, `${shown} lights in ten seconds`);
  assert.equal(told + held, 2000);
  assert.equal(new Pulses().offer("quiet", 0), 1);
});

test("one busy line does not hold up the others", () => {
  const pulses = new Pulses();
  for (let now = 0; now < 400; now += 2) pulses.offer("busy", now);
  assert.ok(pulses.travelling(400) <= 3);
  assert.equal(pulses.offer("quiet", 400), 1);
});
