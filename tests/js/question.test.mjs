/** What a form asks for, as the query of an address. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { question } from "../../static/js/lib/question.js";

test("only what says something is asked", () => {
  assert.equal(question([["q", "  "], ["only", ""], ["order", "recent"]]), "");
  assert.equal(question([["q", " 群 & b "], ["only", "failed"], ["order", "name"]]), "?q=%E7%BE%A4+%26+b&only=failed&order=name");
});

test("how many are shown goes with it; tokens do not", () => {
  assert.equal(question([["csrfmiddlewaretoken", "x"], ["q", "a"]], "48"), "?q=a&shown=48");
  assert.equal(question([["q", new Blob(["x"])]]), "");
});
