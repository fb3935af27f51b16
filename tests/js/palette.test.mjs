import assert from "node:assert/strict";
import { test } from "node:test";
import { starts } from "../../static/js/palette/commands.js";
import { hits, moved, remembering, sections } from "../../static/js/palette/options.js";

const titles = (all) => all.map(({ title, options }) => [title, options.map((option) => option.title)]);
const option = (title, more = {}) => ({ title, icon: "star", url: `/${title}/`, ...more });
const from = (more = {}) => ({ here: [], commands: [], recent: [], found: [], searchUrl: "/search/", ...more });

test("before anything is asked: what was used lately, what can be done here, all commands", () => {
  const recent = Array.from({ length: 9 }, (_, n) => option(`r${n}`));
  const all = sections(" ", from({ recent, here: [option("Pause")], commands: [option("Go"), option("Start", { asked: true })] }));
  assert.deepEqual(titles(all), [
    ["Lately", ["r0", "r1", "r2", "r3", "r4"]],
    ["On this page", ["Pause"]],
    ["Commands", ["Go"]],
  ]);
});

test("asked: the commands that match, what was found, and always a way to the page of the search", () => {
  const found = [{ title: "Runs", options: [option("Prepare")] }, { title: "States", options: [] }];
  const commands = [option("Repair"), option("Colours", { also: "paint" }), option("Start a run in Pier", { asked: true })];
  const all = sections("p a", from({ found, commands, here: [option("Pause")] }));
  assert.deepEqual(titles(all), [
    ["Commands", ["Start a run in Pier", "Pause", "Repair", "Colours"]],
    ["Runs", ["Prepare"]],
    ["More", ["Search everywhere for “p a”"]],
  ]);
  assert.equal(all[2].options[0].url, "/search/?q=p%20a");
});

test("hits lead to pages of this site, whatever name the server knows itself by", () => {
  const hit = { kind: "runs", id: "1", title: "Light the lantern", text: "at night", group: "Harbour", status: "failed", at: "2026-01-01T00:00:00Z" };
  const answer = { runs: { hits: [{ ...hit, url: "https://inside:8000/runs/1/" }] }, messages: { hits: [{ ...hit, kind: "messages", url: "/groups/H/#message-3" }] } };
  const all = hits("LANT", answer);
  assert.deepEqual(titles(all).filter(([, found]) => found.length), [["Runs", ["Light the lantern"]], ["Messages", ["Light the lantern"]]]);
  const [run, message] = all.flatMap(({ options }) => options);
  assert.deepEqual([run.url, run.text, run.status, run.marks], ["/runs/1/", "Harbour · at night", "failed", [[10, 14]]]);
  assert.deepEqual([message.url, message.status], ["/groups/H/#message-3", ""]);
});

test("what leads somewhere is remembered, once, the latest first", () => {
  let recent = [];
  for (const title of ["a", "b", "a"]) recent = remembering(recent, option(title, { at: "now", keys: "g h" }));
  assert.deepEqual(recent, [
    { title: "a", text: "", icon: "star", url: "/a/" },
    { title: "b", text: "", icon: "star", url: "/b/" },
  ]);
  assert.equal(remembering(recent, { title: "Dark", icon: "moon", run() {} }), recent);
  for (let n = 0; n < 20; n++) recent = remembering(recent, option(`n${n}`));
  assert.equal(recent.length, 12);
});

test("the choice goes around", () => {
  assert.deepEqual([moved(0, -1, 3), moved(2, 1, 3), moved(0, 1, 3), moved(0, 1, 0)], [2, 0, 1, 0]);
});

test("runs are offered where one may start them", () => {
  const groups = ["viewer", "operator", "owner"].map((level) => ({ id: level, name: level, level }));
  assert.deepEqual(starts(groups).map(({ url }) => url), ["/groups/operator/#run-box", "/groups/owner/#run-box"]);
});
