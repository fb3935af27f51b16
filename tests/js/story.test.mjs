import assert from "node:assert/strict";
import { test } from "node:test";
import { Story, saidBy, textAt, turnAt } from "../../static/js/run/story.js";
import { planChangeWords } from "../../static/js/run/plan-change.js";
import { item, newLog, planned, ready, started } from "./log.mjs";

const told = (log) => {
  const story = new Story();
  story.take(log.events);
  return story;
};
const turns = (story) => story.blocks.filter(({ kind }) => kind === "turn");
const ofA = (type, data, agent = "wim") => [type, data, "id-a", agent];

test("a plan stands in the story as it was approved, and the approval says what a person changed", () => {
  const log = planned([item("a"), item("b"), item("c"), item("d")], true);
  const [a, b, c] = log.plan.subtasks;
  const approved = { subtasks: [{ ...a, assignee: "pia" }, { ...b, assignee: "pia" }, { ...c, instructions: "Otherwise" }, item("e")] };
  log.say("plan.approved", { plan: approved, by: "ada" });
  const { blocks } = told(log);
  const [plan, note] = blocks.slice(-2);
  assert.deepEqual([plan.kind, note.event.type, note.before], ["plan", "plan.approved", log.plan]);
  assert.deepEqual(plan.plans.map(({ seq, plan: { subtasks } }) => [seq, subtasks[0].assignee]), [[5, "wim"], [7, "pia"]]);
  assert.equal(planChangeWords(note.before, note.event.data.plan), "3 subtasks changed: wim → pia, C · 1 subtask added · 1 subtask removed");
  assert.equal(planChangeWords(log.plan, { ...log.plan }), "");
  // Whoever goes back to before sees what was proposed: the card is drawn anew then.
  assert.ok(told(log).changed(7, 5).some(({ kind }) => kind === "plan"));
});

test("a run reads in order: the task, the leader's turn, the plan, then each agent's turn", () => {
  const log = planned([item("a"), item("b", "a")]);
  log.say(...ready("a"));
  log.say(...started("a"));
  log.say(...ofA("text.delta", { text: "Done." }));
  log.say(...ofA("subtask.completed", { result: "Done." }));
  log.say("run.completed", { result: "Done.", usage: {} });
  const { blocks } = told(log);
  assert.deepEqual(blocks.map(({ kind }) => kind), ["task", "turn", "plan", "turn", "note"]);
  assert.deepEqual(turns(told(log)).map(({ agent, title, does }) => [agent, title, does]), [["lena", "Plan", "plan"], ["wim", "A", "work"]]);
});

test("deltas of one turn are one block, however much of others comes in between", () => {
  const log = planned([item("a"), item("b")]);
  for (const key of ["a", "b"]) log.say(...started(key));
  for (let i = 0; i < 50; i += 1) {
    log.say("text.delta", { text: `a${i} ` }, "id-a", "wim");
    log.say("text.delta", { text: `b${i} ` }, "id-b", "ada");
  }
  const [, a, b] = turns(told(log));
  assert.equal(a.parts.length, 1);
  assert.match(a.parts[0].text, /^a0 a1 .* a49 $/);
  assert.match(b.parts[0].text, /^b0 b1 .* b49 $/);
});

test("what an agent says and does keeps its order within the turn", () => {
  const log = planned([item("a")]);
  log.say(...started("a"));
  log.say(...ofA("text.delta", { text: "Let me look." }));
  log.say(...ofA("tool.started", { call_id: "1", tool: "read", arguments: { path: "a.csv" } }));
  log.say(...ofA("message.sent", { sender: "wim", to: "ada", text: "Hello" }));
  log.say(...ofA("tool.finished", { call_id: "1", tool: "read", summary: "3 rows", ok: true }));
  log.say(...ofA("text.delta", { text: "Three." }));
  const turn = turns(told(log))[1];
  assert.deepEqual(turn.parts.map(({ kind }) => kind), ["text", "tool", "fact", "text"]);
  assert.equal(turn.parts[1].finished.data.summary, "3 rows");
});

test("each attempt is a turn, and the failed one says why and what follows", () => {
  const log = planned([item("a")]);
  log.say(...started("a"));
  log.say(...ofA("text.delta", { text: "Try" }));
  log.say(...ofA("subtask.retrying", { attempt: 1, max_attempts: 3, error: "Broke", delay: 2, cause: "error" }));
  log.say(...started("a", 2));
  log.say(...ofA("subtask.failed", { error: "Broke again", attempt: 2 }));
  const [, first, second] = turns(told(log));
  assert.deepEqual([first.attempt, first.max, turnAt(first, Infinity).status], [1, 3, "retrying"]);
  assert.deepEqual([second.attempt, turnAt(second, Infinity).status], [2, "failed"]);
  assert.equal(turnAt(second, Infinity).event.data.error, "Broke again");
});

test("a question has its answer beside it, and the work that goes on is a further turn", () => {
  const log = planned([item("a")]);
  log.say(...started("a"));
  log.say(...ofA("subtask.waiting", { question: "Which?", options: ["x", "y"] }));
  const story = told(log);
  const turn = turns(story)[1];
  assert.equal(turnAt(turn, Infinity).status, "waiting");
  const asked = log.events.length;
  log.say(...ready("a"));
  log.say(...started("a"));
  story.take(log.events.slice(asked));
  assert.equal(turn.parts[0].answered.seq, asked + 1);
  assert.equal(turns(story).length, 3);
  log.say(...ready("a"));
  story.take(log.events.slice(-1));
  assert.equal(turn.parts[0].answered.seq, asked + 1, "a later one is no answer");
});

test("what fails before anybody began it is told without a turn", () => {
  const log = planned([item("a")]);
  log.say(...ready("a"));
  log.say(...ofA("subtask.failed", { error: "Nobody is there", attempt: 0 }, null));
  const last = told(log).blocks.at(-1);
  assert.deepEqual([last.kind, last.title, last.event.type], ["note", "A", "subtask.failed"]);
});

test("a handover ends the turn of one agent, the next begins with the other", () => {
  const log = planned([item("a")]);
  log.say(...started("a"));
  log.say(...ofA("subtask.handed_over", { to: "ada", text: "Yours." }));
  log.say("subtask.started", { attempt: 1, max_attempts: 3 }, "id-a", "ada");
  const [, wim, ada] = turns(told(log));
  assert.equal(turnAt(wim, Infinity).status, "handed_over");
  assert.deepEqual([wim.parts.at(-1).event.data.to, ada.agent], ["ada", "ada"]);
});

test("a run that is cancelled cuts off the turns under way, not those that had ended", () => {
  const log = planned([item("a"), item("b")]);
  for (const key of ["a", "b"]) log.say(...started(key));
  log.say(...ofA("subtask.completed", { result: "x" }));
  log.say("run.cancelled", { by: "ada", reason: "" });
  const [, a, b] = turns(told(log));
  assert.deepEqual([turnAt(a, Infinity).status, turnAt(b, Infinity).status], ["completed", "cancelled"]);
});

test("the story as of any moment is the story of the events up to it", () => {
  const log = planned([item("a"), item("b", "a")]);
  log.say(...started("a"));
  for (const text of ["One ", "two ", "three"]) log.say(...ofA("text.delta", { text }));
  log.say(...ofA("tool.started", { call_id: "1", tool: "read", arguments: {} }));
  log.say(...ofA("usage.recorded", { input_tokens: 5, output_tokens: 2, requests: 1, cost_usd: null, model: "" }));
  log.say(...ofA("subtask.retrying", { attempt: 1, max_attempts: 3, error: "x", delay: 1, cause: "error" }));
  log.say(...started("a", 2));
  log.say(...ofA("subtask.completed", { result: "x" }));
  const whole = told(log);
  for (let n = 1; n <= log.events.length; n += 1) {
    const then = told({ events: log.events.slice(0, n) });
    assert.equal(whole.shownAt(n), then.blocks.length, `blocks at ${n}`);
    turns(then).forEach((turn, index) => {
      const [was, now] = [turnAt(turn, Infinity), turnAt(turns(whole)[index], n)];
      assert.deepEqual([now.status, now.tokens, now.result, now.endedAt], [was.status, was.tokens, was.result, was.endedAt], `turn at ${n}`);
      const texts = (parts, upTo) => parts.filter(({ kind }) => kind === "text").map((part) => textAt(part, upTo));
      assert.deepEqual(texts(now.parts, n), texts(was.parts, Infinity), `text at ${n}`);
    });
  }
});

test("only what is new is drawn again, live and while going through the past", () => {
  const log = planned([item("a"), item("b")]);
  for (const key of ["a", "b"]) log.say(...started(key));
  const story = told(log);
  const before = log.events.length;
  log.say(...ofA("text.delta", { text: "x" }));
  const touched = story.take(log.events.slice(before));
  assert.deepEqual([...touched].map(({ subtask }) => subtask), ["id-a"]);
  assert.deepEqual(story.changed(before + 1, before).map(({ subtask }) => subtask), ["id-a"]);
  assert.deepEqual(story.changed(before, before), []);
});

test("a result is shown where the agent said it, else after all that it said", () => {
  const text = (text) => ({ kind: "text", seq: 1, text, seqs: [1], ends: [text.length] });
  const [look, sum] = [text("Let me look.\n"), text("It is 4. ")];
  assert.deepEqual(saidBy([look, sum], "It is 4."), [sum]);
  assert.deepEqual(saidBy([look], "It is 4."), []);
  assert.deepEqual(saidBy([look, sum], "Let me look.\nIt is 4."), [look, sum]);
  assert.equal(saidBy([look, sum], " "), null);
});

test("ten thousand deltas are a hundred blocks", () => {
  const log = newLog();
  for (let i = 0; i < 100; i += 1) {
    log.say("subtask.started", { attempt: 1, max_attempts: 3 }, `s${i}`, "wim");
    for (let k = 0; k < 98; k += 1) log.say("text.delta", { text: "word " }, `s${i}`, "wim");
    log.say("subtask.completed", { result: "" }, `s${i}`, "wim");
  }
  const story = told(log);
  assert.equal(story.blocks.length, 100);
  assert.equal(turnAt(story.blocks[7], 0 + story.blocks[7].last).parts[0].text.length, 98 * 5);
});
