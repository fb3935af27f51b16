import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenIn } from "../../static/js/lib/csrf.js";

test("the token is found among other cookies, and only under its own name", () => {
  assert.equal(tokenIn("csrftoken=abc"), "abc");
  assert.equal(tokenIn("django_language=en; csrftoken=abc; other=1"), "abc");
  assert.equal(tokenIn("xcsrftoken=abc; other=1"), "");
  assert.equal(tokenIn(""), "");
});
