/**
 * One socket of stars.sync.v1 to a space (docs/sync-protocol.md): says hello, subscribes, acknowledges, answers
 * heartbeats, and after any break comes back by itself to where each subscription stands.
 *
 * @import { Change, Frame, Standing } from "./types.d.ts"
 * @import { Replica } from "./replica.js"
 *
 * @typedef {object} Subscription
 * @property {string[]} states
 * @property {Replica} replica
 * @property {string} mode
 * @property {(changes: Change[], frame: Frame) => void} changed
 * @property {(state: Standing) => void} told
 * @property {(frame: Frame) => void} error
 * @property {number} number
 * @property {number} unacked
 * @property {ReturnType<typeof setTimeout> | 0} timer
 *
 * @typedef {object} World what a page may replace for tests
 * @property {(address: string) => WebSocket} open
 * @property {() => number} random
 * @property {Storage} [storage]
 */

import { parse } from "../lib/json-tree.js";
import { pause } from "./pace.js";

/** Seconds of silence after which the server is taken for dead; it sends a heartbeat every 15. */
const SILENCE = 40;
const ACK_EVERY = 64;
const ACK_WITHIN = 1_000;
/** Attempts that fail before pages do without. */
const PATIENCE = 2;
/** Not understood; not signed in; not allowed here, or no longer. Asking again cannot help. */
const REFUSED = new Set([4400, 4401, 4403]);
const SUPERSEDED = 4409;
/** So many resets within so many milliseconds are a loop. */
const RESETS = 3;
const RESETS_WITHIN = 30_000;

/** @returns {World} */
const browser = () => ({
  open: (address) => new WebSocket(address),
  random: Math.random,
  storage: globalThis.sessionStorage,
});

export class SyncSocket {
  #address;
  #space;
  #world;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Frame | null} */
  #welcome = null;
  /** @type {Map<number, Subscription>} */
  #subs = new Map();
  #next = 1;
  #failed = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;
  /** @type {number[]} */
  #resets = [];
  #wait = 0;
  /** @type {Standing} "absent": tried in vain, trying on */
  state = "connecting";

  /** @param {string} address @param {string} space @param {World} [world] */
  constructor(address, space, world = browser()) {
    this.#address = address;
    this.#space = space;
    this.#world = world;
  }

  /** Who we are there, once that is known: "human:ada". */
  get agent() {
    return this.#welcome?.agent ?? "";
  }

  /**
   * Follow states by ids or prefixes. `replica` is kept up to date; `changed(changes, frame)` is told of each frame,
   * `told(state)` of how the socket stands, `error(frame)` of a refusal. Returns a function that ends it.
   *
   * @param {string[]} states
   * @param {Pick<Subscription, "replica"> & Partial<Subscription>} wanted
   */
  subscribe(states, { replica, mode = "all", changed = () => {}, told = () => {}, error = () => {} }) {
    /** @type {Subscription} */
    const sub = { states, replica, mode, changed, told, error, number: 0, unacked: 0, timer: 0 };
    this.#subs.set(this.#number(sub), sub);
    if (this.#welcome) this.#ask(sub);
    else this.connect();
    told(this.state);
    return () => {
      clearTimeout(sub.timer);
      this.#subs.delete(sub.number);
      this.#say({ t: "unsub", sub: sub.number });
      if (!this.#subs.size) this.close();
    };
  }

  /** Open the socket unless it is open. */
  connect() {
    clearTimeout(this.#timer);
    if (this.#socket || !this.#subs.size || this.state === "refused") return;
    let socket;
    try {
      socket = this.#world.open(this.#address);
    } catch {
      this.#lost(0);
      return;
    }
    this.#socket = socket;
    this.#listen();
    socket.addEventListener("open", () => {
      const session = this.#session() ?? null;
      this.#say({ t: "hello", proto: 1, name: "dashboard", mode: "push", session });
    });
    socket.addEventListener("message", ({ data }) => this.#socket === socket && this.#receive(parse(data)));
    socket.addEventListener("close", ({ code }) => this.#socket === socket && this.#lost(code));
  }

  /** End it for good. */
  close() {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = this.#welcome = null;
    socket?.close();
  }

  /** @param {Frame} frame */
  #receive(frame) {
    this.#listen();
    const sub = this.#subs.get(frame.sub);
    switch (frame.t) {
      case "welcome":
        this.#welcome = frame;
        this.#failed = 0;
        this.#session(frame.session);
        for (const each of Array.from(this.#subs.values())) this.#ask(each);
        this.#tell("live");
        break;
      case "hb":
        this.#say({ t: "hb", n: frame.n, applied: this.#applied() });
        break;
      case "bye":
        this.#wait = frame.retry_after_ms ?? 0;
        break;
      case "error":
        if (sub && frame.reason === "bad_token") {
          sub.replica.forgetToken();
          this.#ask(sub);
        } else sub?.error(frame);
        break;
      default:
        if (sub) this.#take(sub, frame);
    }
  }

  /** @param {Subscription} sub @param {Frame} frame */
  #take(sub, frame) {
    if (frame.t === "reset" && this.#loops()) {
      this.#wait = pause(this.#failed + RESETS, this.#world);
      this.#socket?.close();
      return;
    }
    const changes = sub.replica.receive(frame);
    if (sub.replica.lost) {
      // Under a new number, so that nothing of before that is still on its way is taken for an answer.
      this.#say({ t: "unsub", sub: sub.number });
      this.#subs.delete(sub.number);
      this.#subs.set(this.#number(sub), sub);
      this.#ask(sub);
      return;
    }
    this.#count(sub, frame);
    sub.changed(changes, frame);
  }

  /** @param {Subscription} sub */
  #number(sub) {
    sub.number = this.#next++;
    return sub.number;
  }

  /** @param {Subscription} sub */
  #ask(sub) {
    this.#rest(sub);
    const from = sub.replica.ask();
    this.#say({ t: "sub", sub: sub.number, states: sub.states, from, ...(sub.mode === "all" ? {} : { mode: sub.mode }) });
  }

  /** Nothing of it is to be acknowledged. @param {Subscription} sub */
  #rest(sub) {
    clearTimeout(sub.timer);
    sub.unacked = 0;
    sub.timer = 0;
  }

  /** Acknowledge every 64 entries or within a second, once something was applied. @param {Subscription} sub @param {Frame} frame */
  #count(sub, frame) {
    if (frame.t === "delta") sub.unacked += frame.entries?.length ?? 0;
    else if (frame.t !== "snap" && frame.t !== "mark") return;
    const ack = () => {
      this.#rest(sub);
      this.#say({ t: "ack", sub: sub.number, rev: sub.replica.revision });
    };
    if (sub.unacked >= ACK_EVERY) ack();
    else sub.timer ||= setTimeout(ack, ACK_WITHIN);
  }

  #applied() {
    return Math.min(...[...this.#subs.values()].map(({ replica }) => replica.revision));
  }

  #loops() {
    const now = Date.now();
    this.#resets = [...this.#resets.filter((at) => now - at < RESETS_WITHIN), now];
    return this.#resets.length >= RESETS;
  }

  /** Expect to hear something soon. */
  #listen() {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#silence = setTimeout(() => {
      if (this.#socket !== socket) return;
      socket?.close();
      this.#lost(0);
    }, SILENCE * 1_000);
  }

  /** @param {number} code */
  #lost(code) {
    clearTimeout(this.#silence);
    clearTimeout(this.#timer);
    this.#socket = this.#welcome = null;
    for (const sub of this.#subs.values()) {
      clearTimeout(sub.timer);
      sub.timer = 0;
    }
    if (REFUSED.has(code)) {
      this.#tell("refused");
      return;
    }
    // A copy of this page has the session now: begin one of our own.
    if (code === SUPERSEDED) this.#session(null);
    const wait = pause(this.#failed++, { atLeast: this.#wait, random: this.#world.random });
    this.#wait = 0;
    this.#tell(this.#failed > PATIENCE ? "absent" : "lost");
    this.#timer = setTimeout(() => this.connect(), wait);
  }

  /** @param {object} frame */
  #say(frame) {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(frame));
  }

  /** @param {Standing} state */
  #tell(state) {
    this.state = state;
    for (const { told } of Array.from(this.#subs.values())) told(state);
  }

  /** The session of this tab in this space, from page to page; with a value, remember it. @param {string | null} [value] */
  #session(value) {
    const key = `stars.sync.${this.#space}`;
    try {
      if (value === undefined) return this.#world.storage?.getItem(key);
      if (value === null) this.#world.storage?.removeItem(key);
      else this.#world.storage?.setItem(key, value);
    } catch {
      // Storage may be forbidden; then each page is a session of its own.
    }
    return value;
  }
}

/** @type {Map<string, SyncSocket>} */
const sockets = new Map();

/** The page's socket to a space; one for all who ask. @param {string} space @returns {SyncSocket} */
export function spaceSocket(space) {
  let socket = sockets.get(space);
  if (!socket) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const address = `${scheme}//${location.host}/ws/v1/spaces/${encodeURIComponent(space)}/sync`;
    const made = new SyncSocket(address, space);
    addEventListener("online", () => made.connect());
    addEventListener("focus", () => made.connect());
    document.addEventListener("visibilitychange", () => !document.hidden && made.connect());
    sockets.set(space, made);
    socket = made;
  }
  return socket;
}
