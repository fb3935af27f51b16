import assert from "node:assert/strict";
import { test } from "node:test";
import { CAUSES, causeOf, likelyCauses } from "../../static/js/run/causes.js";
import { initial, reduceAll } from "../../static/js/run/reducer.js";
import { item, planned, ready, started } from "./log.mjs";

// What the server's code says in each case, as it says it (groups/agents, groups/execution).
const SAID = {
  "key-refused": "The model 'tide-1' refused the key (HTTP 401): check the secret api_key and what it may use.",
  "key-missing": "The agent has no key for 'openai:tide-1': give it the secret api_key, or a base_url that needs none.",
  "model-unknown": "The model 'tide-9' is not known there (HTTP 404): check model and base_url: no such model",
  quota: "The model 'tide-1': the account's quota or credit is used up (HTTP 429): pay first",
  rate: "The model 'tide-1' has too many requests (HTTP 429); it asks to wait 20 s",
  context: "What was to be sent is longer than the window of the model 'tide-1' (HTTP 400); set context_window to its size, or shorten instructions and task.",
  filter: "The provider's content filter stopped the model 'tide-1'.",
  "not-connected": "No process of this agent was connected for 60 s; start it, then retry.",
  "tool-server": "The tool server 'files' cannot be used: there is no connection.",
  "host-not-allowed": "'evil.example:443' is not among the hosts that this agent may ask: a.example.",
  "agent-cap": "The agent's monthly cap of $5.00 is reached.",
  "group-cap": "The group's monthly cap of 1,000 tokens is reached.",
  cap: "The run's cap of 1,000 tokens is reached.",
  "run-time": "The run's time limit of 60 s has passed.",
  "subtask-time": "It took longer than its time limit of 600 s.",
  lost: "Its worker stopped answering; what it had done is unknown.",
  unreachable: "There is no connection to http://127.0.0.1:9/v1: check base_url, and whether a server is running there.",
  "provider-down": "The model 'tide-1' cannot answer now (HTTP 503).",
  "not-its-protocol": "The model 'tide-1' answered with something that is not its protocol: <html>",
  rejected: "The model 'tide-1' rejected the request (HTTP 400): unknown parameter",
  "sign-in": "The A2A agent wants to be signed in to something else. Do that where it runs, or store the credentials it needs among this agent's secrets.",
  "plan-circle": "The plan is invalid: subtasks: These subtasks wait for each other: a -> b -> a.",
  plan: "The leader answered with text where a plan was asked for.",
  nobody: "'wim' is no longer a member of this group.",
  unanswered: "Nobody answered in time.",
  extra: "This server cannot talk to language models (pydantic_ai is missing): install Stars with its extra llm.",
  scripted: "Scripted failure 1 of 3.",
  server: "The server could not go on with this run; its log tells why.",
  dependency: "It needs 'Count the ships', which failed.",
  remote: "The webhook's stream broke off before its end.",
};

test("each known cause is recognised by what the server says, and by no other's words", () => {
  for (const [id, said] of Object.entries(SAID)) assert.equal(causeOf(said)?.id, id, said);
  assert.deepEqual(CAUSES.map((cause) => cause.id).toSorted(), Object.keys(SAID).toSorted(), "every cause has its example");
});

test("each says what it is and what to do", () => {
  for (const cause of CAUSES) {
    assert.match(cause.words(), /\.$/, cause.id);
    assert.ok(cause.advice().length > 30, cause.id);
  }
});

test("what nobody knows is not guessed at", () => assert.equal(causeOf("KeyError: 'ships'"), null));

test("causes stand once each, by agent, with where it happened; passing ones while they last", () => {
  const log = planned([item("a"), item("b"), item("c")]);
  for (const key of ["a", "b", "c"]) {
    log.say(...ready(key));
    log.say(...started(key));
  }
  log.say("subtask.failed", { error: SAID["key-refused"], attempt: 1 }, "id-a", "wim");
  log.say("subtask.failed", { error: SAID["key-refused"], attempt: 1 }, "id-b", "wim");
  log.say("subtask.retrying", { attempt: 1, max_attempts: 3, error: SAID.rate, delay: 20, cause: "error" }, "id-c", "wes");
  const found = likelyCauses(reduceAll(initial(), log.events));
  assert.deepEqual(
    found.map(({ cause, agentId, subtasks }) => [cause.id, agentId, subtasks.map(({ key }) => key)]),
    [["key-refused", "wim", ["a", "b"]], ["rate", "wes", ["c"]]],
  );
  log.say(...started("c", 2));
  assert.equal(likelyCauses(reduceAll(initial(), log.events)).length, 1, "it is being tried again");
  log.say("run.cancelled", { by: "ada", reason: "" });
  assert.deepEqual(likelyCauses(reduceAll(initial(), log.events)), [], "whoever cancelled it knows why");
});

test("what was skipped comes after what it was skipped for", () => {
  const log = planned([item("a"), item("b", "c"), item("c")]);
  log.say("subtask.skipped", { reason: SAID.dependency }, "id-b", "wim");
  log.say("subtask.failed", { error: SAID.quota, attempt: 1 }, "id-c", "wim");
  assert.deepEqual(
    likelyCauses(reduceAll(initial(), log.events)).map(({ cause, subtasks }) => [cause.id, subtasks[0].key]),
    [["quota", "c"], ["dependency", "b"]],
  );
});

test("the run's own error counts where no subtask tells more", () => {
  const log = planned([item("a")]);
  log.say("run.failed", { error: SAID["run-time"] });
  assert.deepEqual(likelyCauses(reduceAll(initial(), log.events)).map(({ cause }) => cause.id), ["run-time"]);
});
