/** Mentions: what is being written at the caret, whom it could mean, and the text once one is chosen. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { choices, completed, queryAt } from "../../static/js/group/mentions.js";

const MEMBERS = [
  { id: "tech-lead", name: "Tech lead", role: "leader", tags: ["planning"] },
  { id: "frontend-dev", name: "Front-end developer", role: "worker", tags: ["frontend", "ui"] },
  { id: "backend-dev", name: "Back-end developer", role: "worker", tags: ["backend", "ui"] },
  { id: "qa.2", name: "质量", role: "observer", tags: ["质量", "two words"] },
];
/** What is written where "|" stands. */
const at = (text) => queryAt(text.replace("|", ""), text.indexOf("|"))?.text ?? null;
const values = (written) => choices(written, MEMBERS).map(({ value }) => value);

test("a mention is found where it is being written", () => {
  assert.equal(at("@|"), "");
  assert.equal(at("Ask @back|"), "back");
  assert.equal(at("请@质|"), "质", "Chinese has no blanks between words");
  assert.equal(at("请 @质|量"), "质");
  assert.equal(at("请，＠质|"), "质");
  assert.equal(at("(@role:wor|)"), "role:wor");
  assert.equal(at("@tag:|"), "tag:");
  for (const text of ["mail@exam|", "@back |", "@back,|", "no", "`@back|", "```\n@back|", "a/@b|"]) {
    assert.equal(at(text), null, text);
  }
  assert.equal(at("`code` @b|"), "b");
  assert.equal(at("```\nx\n```\n@b|"), "b");
});

test("ids come first, then roles and tags, by what they begin with", () => {
  assert.deepEqual(values("b"), ["backend-dev", "tag:backend"]);
  assert.deepEqual(values("dev"), ["frontend-dev", "backend-dev"]);
  assert.deepEqual(values("role:"), ["role:leader", "role:worker", "role:observer"]);
  assert.deepEqual(values("u"), ["tag:ui"]);
  assert.deepEqual(values("质"), ["tag:质量", "qa.2"]);
  assert.deepEqual(values("nobody"), []);
  assert.equal(values("").length, 8);
  assert.deepEqual(values("all"), ["all"]);
  assert.ok(!values("tag:").includes("tag:two words"), "a tag with a blank cannot be mentioned");
  assert.deepEqual(choices("tag:ui", MEMBERS)[0], { value: "tag:ui", kind: "tag", about: "", count: 2 });
});

test("the choice takes the place of what was written, and the caret stands behind it", () => {
  const [chosen] = choices("back", MEMBERS);
  const text = "Ask @back about it";
  const query = queryAt(text, 9);
  assert.deepEqual(completed(text, query, chosen), { text: "Ask @backend-dev about it", caret: 17 });
  const end = queryAt("＠back", 5);
  assert.deepEqual(completed("＠back", end, chosen), { text: "@backend-dev ", caret: 13 });
});
