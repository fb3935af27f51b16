import assert from "node:assert/strict";
import { test } from "node:test";
import { restore, unsent } from "../../static/js/lib/unsent.js";

const form = (action) => ({ getAttribute: () => action });
const area = (value, more = {}) => ({ id: "id_task", name: "task", type: "textarea", value, defaultValue: "", form: form("/run/"), ...more });
const box = (value, checked, more = {}) => ({ id: "", name: "mode", type: "radio", value, checked, defaultChecked: false, form: form("/run/"), ...more });
const list = (...options) => ({
  id: "id_policy",
  name: "policy",
  type: "select-one",
  value: options.find(({ selected }) => selected)?.value ?? "",
  options: options.map(({ selected = false, was = false }) => ({ selected, defaultSelected: was })),
  form: form("/run/"),
});

test("what was changed is kept, and nothing else", () => {
  const fields = [
    area("Count the ships"),
    area("as sent", { id: "id_name", name: "name", defaultValue: "as sent" }),
    box("swarm", true),
    box("pipeline", false),
    list({ value: "stop" }, { value: "go", selected: true }),
    list({ value: "stop", selected: true }, { value: "go" }),
    list({ value: "stop", was: true }, { value: "go", selected: true }),
  ];
  assert.deepEqual(unsent(fields), [
    { key: "#id_task", value: "Count the ships" },
    { key: "/run/ mode=swarm", checked: true },
    { key: "#id_policy", value: "go" },
    { key: "#id_policy", value: "go" },
  ]);
});

test("secrets, and what the server put there, are never kept", () => {
  const kinds = ["password", "hidden", "file", "submit"];
  assert.deepEqual(unsent(kinds.map((type) => area("secret", { type }))), []);
  assert.deepEqual(unsent([area("nameless", { id: "", name: "" })]), []);
});

test("it is put back where its field is, and waits while there is none", () => {
  const kept = unsent([area("Count the ships"), box("swarm", true), area("Seven", { id: "answer-1" })]);
  const [task, swarm, other] = [area(""), box("swarm", false), box("pipeline", false)];
  const filled = [];
  const waiting = restore([task, swarm, other], kept, (field) => filled.push(field));
  assert.deepEqual([task.value, swarm.checked, other.checked], ["Count the ships", true, false]);
  assert.deepEqual(filled, [task, swarm]);
  assert.deepEqual(waiting, [{ key: "#answer-1", value: "Seven" }]);
  const late = area("", { id: "answer-1" });
  assert.deepEqual(restore([task, late], waiting, () => {}), []);
  assert.equal(late.value, "Seven");
});

test("the same name in another form is another field", () => {
  const kept = unsent([area("Hello", { id: "", name: "text", form: form("/chat/") })]);
  const other = area("", { id: "", name: "text", form: form("/answer/") });
  assert.deepEqual(restore([other], kept, () => {}), kept);
  assert.equal(other.value, "");
});
