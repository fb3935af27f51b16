import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bytes, clock, duration, durationIn } from "../../static/js/lib/time.js";
import { reasonWords } from "../../static/js/run/reasons.js";
import { attemptWords, firstLine, retryWords, RUN_WORDS, sentence, STATUS_ICONS, SUBTASK_WORDS, tone } from "../../static/js/run/words.js";

test("every status has an icon, and every icon stands in the sprite", () => {
  const sprite = readFileSync(new URL("../../templates/components/_icons.html", import.meta.url), "utf8");
  for (const status of [...Object.keys(RUN_WORDS), ...Object.keys(SUBTASK_WORDS)]) {
    assert.ok(sprite.includes(`id="icon-${STATUS_ICONS[status]}"`), status);
  }
});

test("a retry says which attempt comes, when, and why", () => {
  const subtask = { attempt: 1, maxAttempts: 3, retrying: { error: "The line is busy.", cause: "error" } };
  assert.equal(retryWords(subtask, 2_200), "Attempt 2 of 3 in 3.0 s: The line is busy.");
  assert.equal(retryWords(subtask, -5), "Attempt 2 of 3 now: The line is busy.");
});

test("a later attempt says why the one before it failed, as long as it works", () => {
  const subtask = { attempt: 2, maxAttempts: 3, status: "running", error: "No program is connected." };
  assert.equal(attemptWords(subtask), "Attempt 2 of 3; before: No program is connected.");
  assert.equal(attemptWords({ ...subtask, status: "failed" }), "Attempt 2 of 3");
  assert.equal(attemptWords({ ...subtask, attempt: 1 }), "");
});

test("of a question, the first line", () => {
  assert.equal(firstLine("\nCount the ships\n\nTask of the run: …"), "Count the ships");
  assert.equal(firstLine(""), "");
});

test("a question that is the whole task does not say it twice", () => {
  assert.equal(reasonWords("May the ferry leave?\n\nTask of the run: - @master: may the  ferry leave?"), "May the ferry leave?");
  for (const said of ["Leave now?\n\nTask of the run: Leave?", "Leave?\n\nTask of the run:\n- @ada: Leave?\n- @wim: Moor"]) {
    assert.equal(reasonWords(said), said);
  }
});

test("what stopped a run, in the page's language", () => {
  const caught = ["The run's cap of 1,000 tokens is reached.", "The group's monthly cap of $2.50 is reached."];
  assert.deepEqual(caught.map(reasonWords), caught);
  const words = {
    "The run's cap of %(amount)s is reached.": "已达到此次运行的上限：%(amount)s。",
    "The installation's monthly cap of %(amount)s is reached.": "已达到整个系统的每月上限：%(amount)s。",
    "The run's time limit of %(amount)s s has passed.": "已超过此次运行的时限（%(amount)s 秒）。",
    "%(n)s tokens": "%(n)s 个 Token",
  };
  globalThis.django = { gettext: (text) => words[text] ?? text };
  try {
    assert.equal(reasonWords(caught[0]), "已达到此次运行的上限：1,000 个 Token。");
    assert.equal(reasonWords("The installation's monthly cap of $2.50 is reached."), "已达到整个系统的每月上限：$2.50。");
    assert.equal(reasonWords("The run's time limit of 90 s has passed."), "已超过此次运行的时限（90 秒）。");
    assert.equal(reasonWords("The crane fell over."), "The crane fell over.");
  } finally {
    delete globalThis.django;
  }
});

test("sentences of the log", () => {
  const say = (type, data) => sentence({ type, data });
  assert.equal(say("run.cancelled", { by: "bo", reason: "enough" }), "Run cancelled by bo: enough");
  assert.equal(say("tool.started", { tool: "read", arguments: { file: "a.csv", n: 3 } }), "read file=a.csv n=3");
  assert.equal(say("plan.proposed", { plan: { subtasks: [{}] }, by: "" }), "Plan proposed: 1 subtask");
  assert.equal(say("plan.changed", { added: ["a", "b"], plan: {} }), "Plan changed: 2 subtasks added");
  assert.equal(say("votes.counted", { winner: "answer-1", tie: ["answer-1", "answer-2"] }), "Votes counted: answer-1 wins: a tie of 2");
  assert.equal(say("votes.counted", { winner: "" }), "Votes counted: nothing was decided");
  assert.equal(say("subtask.handed_over", { to: "wes", text: "go on\nplease" }), "Handed over to wes: go on please");
  assert.equal(say("moon.landed", { where: "here" }), '{"where":"here"}');
});

test("tones", () => {
  assert.equal(tone({ type: "tool.finished", data: { ok: false } }), "bad");
  assert.equal(tone({ type: "tool.finished", data: { ok: true } }), "tool");
  assert.equal(tone({ type: "subtask.completed", data: {} }), "good");
});

test("within what is brief durations are told to the millisecond", () => {
  assert.deepEqual([42, 1300].map((ms) => durationIn(ms, 1300)), ["0.042 s", "1.300 s"]);
  assert.deepEqual([1300, 10_000].map((ms) => durationIn(ms, 10_000)), ["1.3 s", "10 s"]);
});

test("durations and sizes in words", () => {
  assert.deepEqual([0, 42, 400, 12_300, 185_000, 7_620_000].map(duration), ["0.0 s", "0.042 s", "0.4 s", "12 s", "3 min 05 s", "2 h 07 min"]);
  assert.deepEqual([4_900, 65_000, 7_629_000].map(clock), ["4 s", "1:05", "2:07:09"]);
  assert.deepEqual([12, 3_482, 1_258_291].map(bytes), ["12 B", "3.4 KB", "1.2 MB"]);
});

test("what the engine says, and what an agent says within it", () => {
  const words = {
    "“%(title)s” failed: %(error)s": "“%(title)s”失败：%(error)s",
    "It took longer than its time limit of %(amount)s s.": "用时超过时限（%(amount)s 秒）。",
    "It needs “%(title)s”, which failed.": "它需要“%(title)s”，而后者已失败。",
  };
  globalThis.django = { gettext: (text) => words[text] ?? text };
  try {
    assert.equal(reasonWords("'Count' failed: It took longer than its time limit of 5 s."), "“Count”失败：用时超过时限（5 秒）。");
    assert.equal(reasonWords("'Count' failed: The crane fell over."), "“Count”失败：The crane fell over.");
    assert.equal(reasonWords("It needs 'Count', which failed."), "它需要“Count”，而后者已失败。");
  } finally {
    delete globalThis.django;
  }
});
