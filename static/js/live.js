/**
 * The page's one live socket: many subscriptions, resumed from where each stands after any break.
 *
 * Pokes become DOM events `stars:poke:<what>` on the body, at most one per half second and kind, the last never lost;
 * `stars:resync` follows whatever time pokes may have been missed in: a break, and at the start the moment between the
 * page's making and its subscriptions. The state of the connection is
 * `stars:live` on the document: {state: "connecting" | "open" | "lost" | "refused", since, retryAt}.
 *
 * @import { Follower, Frame, LiveState, PokeFrame } from "./types.d.ts"
 * @typedef {Omit<PokeFrame, "type" | "what">} Poke
 */

import { noteBusy } from "./lib/late.js";

const FIRST_DELAY = 500;
const MAX_DELAY = 15_000;
const POKE_EVERY = 500;
/** A server that accepts the socket but says nothing for so long is taken for dead. */
const ANSWER_WITHIN = 8_000;

/** Full jitter (Brooker, "Exponential Backoff And Jitter", 2015), but never at once. @param {number} attempt */
export function backoff(attempt, random = Math.random) {
  return FIRST_DELAY / 2 + random() * Math.min(MAX_DELAY, FIRST_DELAY * 2 ** attempt);
}

/**
 * Two pokes as one: of which states they tell, if both say so; without any `states` a poke tells of all.
 *
 * @param {Poke} one
 * @param {Poke} other
 * @returns {Poke}
 */
export function together(one, other) {
  const { states, ...rest } = other;
  if (one.topic !== other.topic || !one.states?.length || !states?.length) return rest;
  return { ...rest, states: [...new Set([...one.states, ...states])] };
}

class Live {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<string, Follower>} */
  #topics = new Map();
  #attempt = 0;
  #timer = 0;
  #deadline = 0;
  /** @type {Map<string, { again: Poke | null }>} */
  #pokes = new Map();
  #broken = false;
  /** Topics that are subscribed to and not answered, of which pokes may have been missed. @type {Set<string>} */
  #awaited = new Set();
  /** @type {LiveState} */
  state = { state: "connecting", since: Date.now(), retryAt: 0 };

  /**
   * Follow a topic. `handler` has `after()` (where to resume; pokes have none) and may have
   * `hello(frame)`, `events(frame)`, `error(frame)`. Returns a function that asks for a replay from `after()`.
   *
   * @param {string} topic
   * @param {Follower} handler
   */
  follow(topic, handler) {
    this.#topics.set(topic, handler);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#subscribe(topic);
    else if (!this.#socket) this.connect();
    return () => this.#subscribe(topic);
  }

  /** Follow a topic no more. @param {string} topic */
  leave(topic) {
    if (!this.#topics.delete(topic) || this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ type: "unsubscribe", topic }));
  }

  /** Open the socket unless it is open; called at the start and when the network or the person comes back. */
  connect() {
    clearTimeout(this.#timer);
    if (!this.#topics.size) return;
    if (this.#socket && this.#socket.readyState <= WebSocket.OPEN) return this.#check();
    this.#tell(this.#broken ? "lost" : "connecting");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws/v1/live/`);
    this.#socket = socket;
    this.#expectAnswer();
    socket.addEventListener("open", () => {
      for (const [topic, { after }] of this.#topics) {
        // Whoever resumes from a number of his own misses nothing at the start.
        if (this.#broken || !after) this.#awaited.add(topic);
        this.#subscribe(topic);
      }
    });
    socket.addEventListener("message", (message) => this.#receive(JSON.parse(message.data)));
    socket.addEventListener("close", (event) => {
      if (this.#socket === socket) this.#lost(event.code);
    });
  }

  /** Ask again from where we stand: on a healthy socket it costs one small frame, on a dead one it finds out. */
  #check() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#expectAnswer();
    for (const topic of this.#topics.keys()) this.#subscribe(topic);
  }

  /** @param {string} topic */
  #subscribe(topic) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const after = this.#topics.get(topic)?.after?.();
    this.#socket.send(JSON.stringify({ type: "subscribe", topic, ...(after === undefined ? {} : { after }) }));
  }

  #expectAnswer() {
    clearTimeout(this.#deadline);
    const socket = this.#socket;
    this.#deadline = setTimeout(() => {
      if (!socket || this.#socket !== socket) return;
      socket.close();
      this.#lost(0);
    }, ANSWER_WITHIN);
  }

  /** @param {Frame} frame */
  #receive(frame) {
    clearTimeout(this.#deadline);
    const handler = this.#topics.get(frame.topic);
    if (frame.type === "hello") {
      this.#attempt = 0;
      this.#broken = false;
      this.#tell("open");
      this.#answered(frame.topic);
      handler?.hello?.(frame);
    } else if (frame.type === "events") handler?.events?.(frame);
    else if (frame.type === "poke") this.#poke(frame);
    else if (frame.type === "error") {
      this.#answered(frame.topic);
      handler?.error?.(frame);
    }
  }

  /** From here on no poke of the topic is missed; once that is true of all, what was missed is fetched. @param {string} topic */
  #answered(topic) {
    if (this.#awaited.delete(topic) && !this.#awaited.size) {
      noteBusy("stars:resync");
      document.body.dispatchEvent(new CustomEvent("stars:resync"));
    }
  }

  /** @param {number} code */
  #lost(code) {
    clearTimeout(this.#deadline);
    clearTimeout(this.#timer);
    this.#socket = null;
    this.#awaited.clear();
    this.#broken = true;
    // 4401, 4403: the server knows us and says no; asking again cannot help.
    if (code === 4401 || code === 4403) return this.#tell("refused");
    const delay = backoff(this.#attempt++);
    this.#tell("lost", Date.now() + delay);
    this.#timer = setTimeout(() => this.connect(), delay);
  }

  /**
   * @param {LiveState["state"]} state
   * @param {number} [retryAt]
   */
  #tell(state, retryAt = 0) {
    const since = this.state.state === state ? this.state.since : Date.now();
    this.state = { state, since, retryAt };
    document.dispatchEvent(new CustomEvent("stars:live", { detail: this.state }));
  }

  /** Leading and trailing throttle: the first poke acts at once, those within the window act together at its end. @param {Omit<PokeFrame, "type">} poke */
  #poke({ what, ...detail }) {
    const waiting = this.#pokes.get(what);
    if (waiting) {
      waiting.again = waiting.again ? together(waiting.again, detail) : detail;
      return;
    }
    const name = `stars:poke:${what}`;
    const send = (/** @type {Poke} */ data) => {
      noteBusy(name);
      document.body.dispatchEvent(new CustomEvent(name, { detail: data }));
    };
    /** @type {{ again: Poke | null }} */
    const entry = { again: null };
    this.#pokes.set(what, entry);
    send(detail);
    setTimeout(() => {
      this.#pokes.delete(what);
      if (entry.again) this.#poke({ what, ...entry.again });
    }, POKE_EVERY);
  }
}

/** The page's connection. */
export const live = new Live();

if (globalThis.document) {
  addEventListener("online", () => live.connect());
  addEventListener("focus", () => live.state.state !== "open" && live.connect());
  document.addEventListener("visibilitychange", () => !document.hidden && live.connect());
}
