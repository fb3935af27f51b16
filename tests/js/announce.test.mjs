import assert from "node:assert/strict";
import { test } from "node:test";
import { Announcer } from "../../static/js/lib/announce.js";

function listener() {
  const heard = [];
  const timers = [];
  const voice = new Announcer((words) => heard.push(words), (go) => timers.push(go));
  return { voice, heard, pass: () => timers.shift()?.() };
}

test("the first is said at once, the next when that has been heard", () => {
  const { voice, heard, pass } = listener();
  voice.say("run", "Running");
  voice.say("mail", "A message from lena");
  assert.deepEqual(heard, ["Running"]);
  pass();
  assert.deepEqual(heard, ["Running", "A message from lena"]);
});

test("a thousand changes of one thing are two announcements", () => {
  const { voice, heard, pass } = listener();
  for (let n = 1; n <= 1_000; n += 1) voice.say("progress", `${n} of 1000`);
  pass();
  pass();
  assert.deepEqual(heard, ["1 of 1000", "1000 of 1000"]);
});

test("after silence the next is said at once again", () => {
  const { voice, heard, pass } = listener();
  voice.say("run", "Running");
  pass();
  voice.say("run", "Completed");
  assert.deepEqual(heard, ["Running", "Completed"]);
});
