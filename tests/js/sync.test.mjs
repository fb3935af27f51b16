import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { parse, pretty } from "../../static/js/lib/json-tree.js";
import { SharedDocument } from "../../static/js/sync/document.js";
import { apply, overlap, written } from "../../static/js/sync/ops.js";
import { pause, throttled } from "../../static/js/sync/pace.js";
import { Replica } from "../../static/js/sync/replica.js";
import { SyncSocket } from "../../static/js/sync/socket.js";

const set = (path, value) => ({ op: "set", path, value });
const entry = (id, pv, v, ops, more = {}) => ({ id, uid: "u", pv, v, rev: v, kind: "update", by: "agent:w", ops, ...more });
const delta = (prev, rev, entries, more = {}) => ({ t: "delta", sub: 1, prev, rev, token: `t${rev}`, synced: true, entries, ...more });
const snap = (rev, states, more = {}) => ({ t: "snap", sub: 1, part: 1, last: true, rev, states, ...more });
const plan = (v, data, more = {}) => ({ id: "plan", uid: "u", v, data, ...more });

/** A replica that has the state `plan` at version 4, as of revision 10. */
function begun() {
  const replica = new Replica();
  replica.ask();
  replica.receive(snap(10, [plan(4, { n: 0 })]));
  replica.receive({ t: "mark", sub: 1, prev: 10, rev: 10, token: "t10", synced: true });
  return replica;
}
const data = (replica, id = "plan") => replica.states.get(id)?.data;

test("operations change copies, and keys that JavaScript has plans for are keys like others", () => {
  const before = { a: { b: [1, 2] }, c: 3 };
  const after = apply(before, [set("/a/b/-", 4), { op: "delete", path: "/a/b/0" }, { op: "merge", path: "", value: { c: null, d: { e: 1 } } }]);
  assert.deepEqual(after, { a: { b: [2, 4] }, d: { e: 1 } });
  assert.deepEqual(before, { a: { b: [1, 2] }, c: 3 });
  const odd = apply({}, [set("/__proto__", { x: 1 }), set("/__proto__/y", 2), set("/constructor/name", 3)]);
  assert.equal(JSON.stringify(odd), '{"__proto__":{"x":1,"y":2},"constructor":{"name":3}}');
  assert.equal({}.x, undefined);
  assert.throws(() => apply({ n: 1 }, [set("/n/x", 2)]));
  assert.throws(() => apply({ n: [] }, [set("/n/3", 2)]));
});

test("what was written is named as blame names it", () => {
  const ops = [set("/a~1b", 1), set("/list/-", 2), { op: "delete", path: "/list/0" }, { op: "merge", path: "/m", value: { x: 1, y: { z: null } } }];
  assert.deepEqual(written(ops), ["/a~1b", "/list", "/list", "/m/x", "/m/y/z"]);
  assert.ok(overlap("/a", "/a/b") && overlap("/a/b", "/a") && !overlap("/ab", "/a"));
});

test("changes are applied once, in their order", () => {
  const replica = begun();
  const [change] = replica.receive(delta(10, 12, [entry("plan", 4, 5, [set("/n", 1)])]));
  assert.deepEqual([change.id, change.before.data, change.after.data, change.entry.by], ["plan", { n: 0 }, { n: 1 }, "agent:w"]);
  assert.deepEqual(replica.receive(delta(10, 12, [entry("plan", 4, 5, [set("/n", 1)])])), []);
  assert.deepEqual(replica.receive(delta(12, 13, [entry("plan", 4, 5, [set("/n", 1)]), entry("plan", 5, 6, [set("/n", 2)])])).length, 1);
  assert.deepEqual([data(replica), replica.token, replica.synced], [{ n: 2 }, "t13", true]);
});

test("a gap between frames is noticed, and nothing is taken until it is closed", () => {
  const replica = begun();
  replica.receive(delta(10, 12, [entry("plan", 4, 5, [set("/n", 1)])]));
  assert.deepEqual(replica.receive(delta(13, 14, [entry("plan", 5, 6, [set("/n", 9)])])), []);
  assert.ok(replica.lost);
  assert.deepEqual(replica.receive(delta(12, 13, [entry("plan", 5, 6, [set("/n", 2)])])), []);
  assert.equal(replica.ask(), "t12");
  replica.receive(delta(12, 13, [entry("plan", 5, 6, [set("/n", 2)])]));
  assert.deepEqual(data(replica), { n: 2 });
});

test("who is lost at once after a resume asks for a snapshot", () => {
  const replica = begun();
  replica.receive(delta(99, 100, []));
  assert.equal(replica.ask(), "t10");
  replica.receive(delta(10, 11, [entry("plan", 7, 8, [set("/n", 1)])]));
  assert.ok(replica.lost);
  assert.equal(replica.ask(), null);
});

test("a change that does not fit takes the whole frame back", () => {
  const replica = begun();
  const entries = [entry("plan", 4, 5, [set("/n", 1)]), entry("plan", 5, 6, [set("/n/deep", 1)])];
  assert.deepEqual(replica.receive(delta(10, 12, entries)), []);
  assert.deepEqual([data(replica), replica.lost, replica.token], [{ n: 0 }, true, "t10"]);
});

test("a page that the server has drawn goes on from its token without a snapshot", () => {
  const replica = new Replica({ states: [plan(6, { n: 2 })], token: "t11", revision: 11 });
  assert.equal(replica.ask(), "t11");
  // The page was read after the token was made: what it shows already is passed over.
  replica.receive(delta(11, 12, [entry("plan", 5, 6, [set("/n", 2)])]));
  replica.receive(delta(12, 13, [entry("plan", 6, 7, [set("/m", 1)])]));
  assert.deepEqual(data(replica), { n: 2, m: 1 });
});

test("frames that stay where they are are taken, and those of before are not", () => {
  const replica = begun();
  replica.receive(delta(10, 10, [entry("plan", 0, 7, [set("", { n: 7 })], { coalesced: true })], { token: undefined, synced: false }));
  assert.deepEqual([data(replica), replica.revision, replica.token, replica.synced], [{ n: 7 }, 10, "t10", false]);
  replica.receive(delta(10, 12, [entry("notes", 0, 3, [set("", { m: 1 })], { coalesced: true })]));
  assert.deepEqual([data(replica, "notes"), replica.token], [{ m: 1 }, "t12"]);
  replica.receive(delta(9, 11, [entry("plan", 7, 8, [set("/n", 8)])]));
  replica.receive({ t: "mark", sub: 1, prev: 10, rev: 10, token: "t10", synced: false });
  assert.deepEqual([data(replica), replica.revision, replica.token, replica.synced], [{ n: 7 }, 12, "t12", true]);
  replica.receive({ t: "mark", sub: 1, prev: 12, rev: 12, token: "t12", synced: true });
  assert.ok(!replica.lost);
});

test("a deletion holds whatever was missed before it, and what is older does not come back", () => {
  const replica = begun();
  const [gone] = replica.receive(delta(10, 20, [entry("plan", 8, 9, [], { kind: "delete", uid: "later" })]));
  assert.deepEqual([gone.after, replica.lost, replica.token], [null, false, "t20"]);
  const older = entry("plan", 6, 7, [set("", { n: 1 })], { kind: "create", uid: "other" });
  assert.deepEqual(replica.receive(delta(20, 21, [older])), []);
  assert.deepEqual(replica.receive(snap(21, [plan(9, { n: 2 })])), []);
  replica.receive(delta(21, 22, [entry("plan", 9, 10, [set("", { n: 3 })], { kind: "create", uid: "next" })]));
  assert.deepEqual(data(replica), { n: 3 });
});

test("what is not above the version here is dropped, whatever life it is of", () => {
  const replica = begun();
  assert.deepEqual(replica.receive(delta(10, 11, [entry("plan", 2, 3, [], { kind: "delete", uid: "before" })])), []);
  assert.deepEqual(replica.receive(snap(11, [plan(3, { n: 3 }, { uid: "before" })])), []);
  assert.deepEqual([data(replica), replica.lost], [{ n: 0 }, false]);
});

test("a snapshot that was asked for holds whatever was here, newer or not", () => {
  const replica = begun();
  replica.forgetToken();
  assert.equal(replica.ask(), null);
  replica.receive(snap(3, [plan(2, { history: "another" })]));
  replica.receive({ t: "mark", sub: 1, prev: 3, rev: 3, token: "t3", synced: true });
  assert.deepEqual([data(replica), replica.revision, replica.token], [{ history: "another" }, 3, "t3"]);
});

test("deletion, a new life, other lives of the same name", () => {
  const replica = begun();
  const [gone] = replica.receive(delta(10, 11, [entry("plan", 4, 5, [], { kind: "delete" })]));
  assert.equal(gone.after, null);
  assert.deepEqual(replica.receive(delta(11, 12, [entry("plan", 5, 6, [set("/n", 1)])])), []);
  const born = entry("plan", 5, 6, [set("", { life: 2 })], { kind: "create", uid: "w" });
  replica.receive(delta(12, 13, [born]));
  assert.deepEqual(data(replica), { life: 2 });
});

test("several changes as one hold whatever was there", () => {
  const replica = begun();
  replica.receive(delta(10, 20, [entry("plan", 0, 11, [set("", { n: 7 })], { coalesced: true })]));
  replica.receive(delta(20, 30, [entry("plan", 11, 15, [set("/a", 1), set("/b", 2)], { coalesced: true })]));
  assert.deepEqual(data(replica), { n: 7, a: 1, b: 2 });
});

test("a reset begins anew, and what the snapshot does not name is gone", () => {
  const replica = begun();
  replica.receive(snap(11, [{ id: "notes", uid: "n", v: 1, data: {} }]));
  assert.deepEqual([...replica.states.keys()], ["plan", "notes"]); // one that may be read only now
  const changes = replica.receive({ t: "reset", sub: 1, reason: "compacted", head: 50 });
  assert.deepEqual(changes.map(({ id, kind }) => [id, kind]), [["plan", "reset"], ["notes", "reset"]]);
  assert.equal(replica.token, "");
  replica.receive(snap(50, [], { last: false }));
  replica.receive(snap(50, [plan(9, { n: 5 })], { part: 2 }));
  replica.receive({ t: "mark", sub: 1, prev: 50, rev: 50, token: "t50", synced: true });
  assert.deepEqual([[...replica.states.keys()], replica.synced], [["plan"], true]);
  assert.deepEqual(replica.receive({ t: "revoked", sub: 1, states: ["plan", "other"] }).map(({ id }) => id), ["plan"]);
});

test("pauses grow to half a minute, with full jitter, and never below what the server asked", () => {
  assert.deepEqual([0, 1, 6, 40].map((n) => pause(n, { random: () => 1 })), [500, 1000, 30_000, 30_000]);
  assert.equal(pause(3, { random: () => 0 }), 0);
  assert.equal(pause(0, { atLeast: 900, random: () => 1 }), 900);
});

test("a throttle acts at once and never loses the last call", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let acts = 0;
  const act = throttled(() => (acts += 1), 100);
  for (let n = 0; n < 5; n += 1) act();
  assert.equal(acts, 1);
  context.mock.timers.tick(100);
  assert.equal(acts, 2);
  context.mock.timers.tick(500);
  assert.equal(acts, 2);
});

test("a document knows who wrote what, by the socket as by the server", () => {
  const doc = new SharedDocument({ uid: "u", version: 4, data: { n: 0, m: { a: 1, b: 2 } } });
  const wim = { agent: "agent:wim", version: 2, at: "x" };
  const blame = { "/n": wim, "/m/a": wim, "/m/b": wim };
  const after = { id: "plan", uid: "u", v: 5, data: { n: 0, m: { a: 3, c: {} } } };
  const ops = [set("/m/a", 3), { op: "delete", path: "/m/b" }, set("/m/c", {})];
  const change = { before: plan(4, doc.data), after, entry: { ...entry("plan", 4, 5, ops), by: "agent:wes", at: "y" } };
  assert.deepEqual(doc.take(change), ["/m/a", "/m/b", "/m/c"]);
  // The server's answer was made before that change, and is put beneath it.
  doc.tell({ uid: "u", version: 4, data: {}, by: "agent:wim", blame });
  const wes = { agent: "agent:wes", version: 5, at: "y" };
  assert.deepEqual([doc.version, doc.by, doc.data.m.a], [5, "agent:wes", 3]);
  assert.deepEqual(doc.blame, { "/n": wim, "/m/a": wes, "/m/c": wes });
  doc.tell({ uid: "u", version: 9, data: { n: 1 }, by: "agent:wim", blame: { "/n": wim } });
  assert.deepEqual([doc.version, doc.data, doc.blame], [9, { n: 1 }, { "/n": wim }]);
});

test("documents are written as they were, however large their numbers", () => {
  const text = '{\n  "big": 9007199254740993,\n  "list": [\n    1,\n    {}\n  ]\n}';
  assert.equal(pretty(parse(text)), text);
});

/** Sockets that a test speaks for. */
function world() {
  const opened = [];
  const kept = new Map();
  return {
    opened,
    random: () => 1,
    storage: { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: (k) => kept.delete(k) },
    open: () => {
      const socket = new EventTarget();
      Object.assign(socket, { readyState: 1, sent: [], send: (text) => socket.sent.push(JSON.parse(text)), close: () => (socket.readyState = 3) });
      socket.say = (frame) => socket.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(frame) }));
      socket.end = (code) => socket.dispatchEvent(Object.assign(new Event("close"), { code }));
      opened.push(socket);
      return socket;
    },
  };
}

const welcome = { t: "welcome", session: "s_1", agent: "human:ada", epoch: "e", head: 10 };

function connected(context) {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const here = world();
  const socket = new SyncSocket("ws://x", "lab", here);
  const seen = { states: [], changes: [] };
  const replica = new Replica();
  socket.subscribe(["plan"], { replica, told: (state) => seen.states.push(state), changed: (changes) => seen.changes.push(...changes) });
  const [first] = here.opened;
  first.dispatchEvent(new Event("open"));
  first.say(welcome);
  first.say(snap(10, [plan(4, { n: 0 })]));
  first.say({ t: "mark", sub: 1, prev: 10, rev: 10, token: "t10", synced: true });
  return { here, socket, first, replica, seen };
}

test("the socket says hello, subscribes, acknowledges within a second and answers heartbeats", (context) => {
  const { first, seen } = connected(context);
  assert.deepEqual(first.sent, [
    { t: "hello", proto: 1, name: "dashboard", mode: "push", session: null },
    { t: "sub", sub: 1, states: ["plan"], from: null },
  ]);
  context.mock.timers.tick(1_000);
  assert.deepEqual(first.sent.at(-1), { t: "ack", sub: 1, rev: 10 });
  first.say({ t: "hb", n: 3, head: 11 });
  assert.deepEqual(first.sent.at(-1), { t: "hb", n: 3, applied: 10 });
  for (let n = 0; n < 64; n += 1) first.say(delta(10 + n, 11 + n, [entry("plan", 4 + n, 5 + n, [set("/n", n)])]));
  assert.deepEqual(first.sent.at(-1), { t: "ack", sub: 1, rev: 74 });
  assert.deepEqual(seen.states, ["connecting", "live"]);
  assert.equal(seen.changes.length, 65);
});

test("a broken socket comes back with its session and its token", (context) => {
  const { here, first, seen, replica } = connected(context);
  first.end(1006);
  assert.equal(seen.states.at(-1), "lost");
  context.mock.timers.tick(500);
  const second = here.opened[1];
  second.dispatchEvent(new Event("open"));
  second.say(welcome);
  assert.deepEqual(second.sent.map(({ t, session, from }) => [t, session ?? from]), [["hello", "s_1"], ["sub", "t10"]]);
  second.say(delta(10, 11, [entry("plan", 4, 5, [set("/n", 1)])]));
  assert.deepEqual([seen.states.at(-1), data(replica)], ["live", { n: 1 }]);
});

test("a gap is asked for under a new number, and what is still on its way is passed over", (context) => {
  const { first, replica } = connected(context);
  first.say(delta(12, 13, [entry("plan", 5, 6, [set("/n", 2)])]));
  assert.deepEqual(first.sent.slice(-2), [{ t: "unsub", sub: 1 }, { t: "sub", sub: 2, states: ["plan"], from: "t10" }]);
  first.say(delta(13, 14, [entry("plan", 6, 7, [set("/n", 3)])]));
  first.say({ ...delta(10, 13, [entry("plan", 4, 5, [set("/n", 1)])]), sub: 2 });
  assert.deepEqual(data(replica), { n: 1 });
});

test("a server that is away is asked again, one that does not understand is not", (context) => {
  const { here, first, seen } = connected(context);
  first.end(1013);
  context.mock.timers.tick(500);
  assert.deepEqual([seen.states.at(-1), here.opened.length], ["lost", 2]);
  here.opened[1].end(4400);
  context.mock.timers.tick(600_000);
  assert.deepEqual([seen.states.at(-1), here.opened.length], ["refused", 2]);
});

test("a refusal is final, silence is not", (context) => {
  const { here, first, seen } = connected(context);
  context.mock.timers.tick(40_000);
  assert.equal(first.readyState, 3);
  context.mock.timers.tick(500);
  here.opened[1].end(4403);
  context.mock.timers.tick(600_000);
  assert.deepEqual([seen.states.at(-1), here.opened.length], ["refused", 2]);
});

test("where no socket can be opened pages are told after three attempts, and it tries on", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const here = world();
  const socket = new SyncSocket("ws://x", "lab", here);
  const states = [];
  socket.subscribe(["*"], { replica: new Replica(), told: (state) => states.push(state) });
  for (let n = 0; n < 4; n += 1) {
    here.opened.at(-1).end(1006);
    context.mock.timers.tick(30_000);
  }
  assert.deepEqual([states, here.opened.length], [["connecting", "lost", "lost", "absent", "absent"], 5]);
});

test("a copy of the tab takes a session of its own; a server that restarts names the pause", (context) => {
  const { here, first } = connected(context);
  first.end(4409);
  context.mock.timers.tick(500);
  const second = here.opened[1];
  second.dispatchEvent(new Event("open"));
  assert.equal(second.sent[0].session, null);
  second.say({ t: "bye", code: 1012, reason: "restart", retry_after_ms: 4_000 });
  second.end(1012);
  context.mock.timers.tick(3_900);
  assert.equal(here.opened.length, 2);
  context.mock.timers.tick(100);
  assert.equal(here.opened.length, 3);
});

mock.reset();
