/**
 * The run page's memory: the log as received, the view it reduces to, and who draws it. Frames in any order,
 * doubled or with gaps become one gap-free log; drawing happens at most ten times a second however many arrive, and
 * more rarely while a long log is still being read.
 *
 * The log can be shown as of any event of it (`goTo`): the view is then reduced anew from the keyframe before, so
 * that one event of ten thousand is as near as another.
 */

/** @import { EventsFrame, RunEvent, View } from "../types.js" */

import { initial, reduceAll } from "./reducer.js";

/** Milliseconds between two drawings. */
const LIVE = 100;
/** Likewise, of a log that is not yet read to its end. */
const WHILE_READING = 300;
/** Events between two keyframes: reducing so many is done within a few milliseconds. */
const KEYFRAME = 500;

/** @typedef {(view: View, before: View | null, store: RunStore) => void} Draw */

/** @param {() => void} draw @param {number} wait */
function onFrame(draw, wait) {
  if (wait > 0) setTimeout(() => requestAnimationFrame(draw), wait);
  else requestAnimationFrame(draw);
}

export class RunStore {
  /** @type {Set<Draw>} */
  #listeners = new Set();
  #pending = false;
  /** @type {View} */
  #drawn;
  #drawnAt = -WHILE_READING;
  /** The position from which a replay has been asked for and not yet come; every further frame shows the same gap. */
  #asked = -1;
  /** The views after 0, 500, 1000… events. @type {View[]} */
  #keyframes;
  /** The event up to which the log is shown; null: all of it. @type {number | null} */
  at = null;

  /**
   * `resubscribe()` asks the server to replay from `position`; `frame` schedules drawing (a test passes its own).
   * @param {{id?: string, task?: string, mode?: string}} run
   * @param {(draw: () => void, wait: number) => void} [frame]
   */
  constructor(run, frame = onFrame) {
    /** What the whole log reduces to. @type {View} */
    this.latest = initial(run);
    /** What is shown: the latest, or as it was at `at`. @type {View} */
    this.view = this.latest;
    this.#drawn = this.latest;
    this.#keyframes = [this.latest];
    /** @type {RunEvent[]} */
    this.events = [];
    this.target = 0;
    this.resubscribe = () => {};
    this.frame = frame;
  }

  /** The number of the last event taken in. */
  get position() {
    return this.latest.last_seq;
  }

  /** How many events are shown: all, or those up to `at`. */
  get shown() {
    return this.at === null ? this.position : Math.min(this.at, this.position);
  }

  /** Whether the log has been read up to what the server has said it holds. */
  get caughtUp() {
    return this.position >= this.target;
  }

  /**
   * Take in what a frame carries. What we have is passed over; a gap asks for a replay and takes nothing.
   * @param {Pick<EventsFrame, "seq" | "events">} frame
   */
  take({ seq, events }) {
    this.target = Math.max(this.target, seq);
    const news = events.filter((event) => event.seq > this.position);
    const [first] = news;
    if (!first) return;
    if (first.seq > this.position + 1) {
      if (this.#asked !== this.position) {
        this.#asked = this.position;
        this.resubscribe();
      }
      return;
    }
    for (let done = 0; done < news.length; ) {
      const part = news.slice(done, done + KEYFRAME - (this.events.length % KEYFRAME));
      for (const event of part) this.events.push(event);
      this.latest = reduceAll(this.latest, part);
      if (this.events.length % KEYFRAME === 0) this.#keyframes.push(this.latest);
      done += part.length;
    }
    this.#turn();
    this.#schedule();
  }

  /**
   * The server's word on how far the log goes.
   * @param {{last_seq: number}} frame
   */
  hello({ last_seq: last }) {
    this.target = Math.max(this.target, last);
    this.#asked = -1;
    this.#schedule();
  }

  /**
   * Show the log as of the event `at`; null: all of it, as it comes in.
   * @param {number | null} at
   */
  goTo(at) {
    if (at === this.at) return;
    this.at = at;
    this.#turn();
    this.#schedule();
  }

  /**
   * The view after the first `n` events.
   * @param {number} n
   * @returns {View}
   */
  viewAt(n) {
    if (n >= this.position) return this.latest;
    const key = /** @type {View} */ (this.#keyframes[Math.floor(n / KEYFRAME)]);
    const { view } = this;
    const base = view.last_seq <= n && view.last_seq > key.last_seq ? view : key;
    return reduceAll(base, this.events.slice(base.last_seq, n));
  }

  /**
   * Draw with `draw(view, before, store)` after every change, and once at the start.
   * @param {Draw} draw
   */
  listen(draw) {
    this.#listeners.add(draw);
    draw(this.view, null, this);
  }

  /** Bring what is shown in line with the log and with where in it we are. */
  #turn() {
    if (this.view.last_seq !== this.shown || this.at === null) this.view = this.viewAt(this.shown);
  }

  #schedule() {
    if (this.#pending) return;
    this.#pending = true;
    const wait = this.#drawnAt + (this.caughtUp ? LIVE : WHILE_READING) - performance.now();
    this.frame(() => {
      this.#pending = false;
      this.#drawnAt = performance.now();
      const before = this.#drawn;
      this.#drawn = this.view;
      for (const draw of this.#listeners) draw(this.view, before, this);
    }, wait);
  }
}
