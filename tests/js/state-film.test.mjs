import assert from "node:assert/strict";
import { test } from "node:test";
import { Film } from "../../static/js/sync/film.js";

const frame = (version, ops, kind = "update") => ({ version, kind, ops, uid: "u", agent: "agent:w", at: "", words: "", run: "", conflict: false });
const set = (path, value) => ({ op: "set", path, value });
const film = () => new Film({ n: 3 }, [frame(3, []), frame(4, [set("/n", 4)]), frame(5, [{ op: "delete", path: "/n" }]), frame(6, [set("/m", [1])])]);

test("each document is made of the one before", () => {
  const versions = film();
  assert.deepEqual(versions.documents, [{ n: 3 }, { n: 4 }, {}, { m: [1] }]);
  assert.deepEqual([versions.first, versions.last, versions.length], [3, 6, 4]);
  assert.deepEqual(versions.at(99), {});
});

test("a version that is not there is the nearest older one", () => {
  const versions = new Film({}, [frame(3, []), frame(7, [])]);
  assert.deepEqual([1, 3, 5, 7, 99].map((version) => versions.placeOf(version)), [0, 0, 0, 1, 1]);
});

test("what a version is held against", () => {
  const versions = film();
  assert.deepEqual([versions.against(2, "previous"), versions.against(2, "next"), versions.against(3, "next"), versions.against(2, "3")], [1, 3, 3, 0]);
  assert.equal(versions.against(0, "previous"), -1);
});

test("a deletion is nothing, and a new life begins with nothing", () => {
  const versions = new Film({ old: 1 }, [frame(1, []), frame(2, [], "delete"), frame(3, [set("/new", 1)], "create")]);
  assert.deepEqual(versions.documents, [{ old: 1 }, null, { new: 1 }]);
  assert.deepEqual(versions.at(1), {});
});

test("older versions come before, newer ones behind, each once", () => {
  const versions = film();
  versions.prepend({ n: 1 }, [frame(1, []), frame(2, [set("/n", 2)]), frame(3, [])]);
  assert.deepEqual(versions.frames.map(({ version }) => version), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(versions.at(1), { n: 2 });
  assert.ok(versions.append([frame(6, []), frame(7, [set("/m", 2)])]));
  assert.deepEqual([versions.length, versions.at(6)], [7, { m: 2 }]);
  assert.equal(versions.append([frame(9, [])]), false);
  assert.equal(versions.last, 7);
});

test("an operation that does not fit leaves the document as it was", () => {
  assert.deepEqual(new Film({ n: 1 }, [frame(1, []), frame(2, [set("/n/x", 1)])]).at(1), { n: 1 });
});
