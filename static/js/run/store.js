/**
 * The run page's memory: the log as received, the view it reduces to, and who draws it. Frames in any order,
 * doubled or with gaps become one gap-free log; drawing happens once per animation frame however many arrive, and
 * more rarely while a long log is still being read.
 */

import { initial, reduceAll } from "./reducer.js";

/** Milliseconds between two drawings of a log that is not yet read to its end. */
const WHILE_READING = 300;

export class RunStore {
  #listeners = new Set();
  #pending = false;
  #drawn;
  #drawnAt = -WHILE_READING;
  /** The position from which a replay has been asked for and not yet come; every further frame shows the same gap. */
  #asked = -1;

  /** `resubscribe()` asks the server to replay from `position`; `frame` schedules drawing (a test passes its own). */
  constructor(run, frame = (draw) => requestAnimationFrame(draw)) {
    this.view = initial(run);
    this.#drawn = this.view;
    this.events = [];
    this.target = 0;
    this.resubscribe = () => {};
    this.frame = frame;
  }

  /** The number of the last event taken in. */
  get position() {
    return this.view.last_seq;
  }

  /** Whether the log has been read up to what the server has said it holds. */
  get caughtUp() {
    return this.position >= this.target;
  }

  /** Take in what a frame carries. What we have is passed over; a gap asks for a replay and takes nothing. */
  take({ seq, events }) {
    this.target = Math.max(this.target, seq);
    const news = events.filter((event) => event.seq > this.position);
    if (!news.length) return;
    if (news[0].seq > this.position + 1) {
      if (this.#asked !== this.position) {
        this.#asked = this.position;
        this.resubscribe();
      }
      return;
    }
    for (const event of news) this.events.push(event);
    this.view = reduceAll(this.view, news);
    this.#schedule();
  }

  /** The server's word on how far the log goes. */
  hello({ last_seq: last }) {
    this.target = Math.max(this.target, last);
    this.#asked = -1;
    this.#schedule();
  }

  /** Draw with `draw(view, before, store)` after every change, and once at the start. */
  listen(draw) {
    this.#listeners.add(draw);
    draw(this.view, null, this);
  }

  #schedule() {
    if (this.#pending) return;
    this.#pending = true;
    const wait = this.caughtUp ? 0 : this.#drawnAt + WHILE_READING - performance.now();
    if (wait > 0) {
      setTimeout(() => {
        this.#pending = false;
        this.#schedule();
      }, wait);
      return;
    }
    this.frame(() => {
      this.#pending = false;
      this.#drawnAt = performance.now();
      const before = this.#drawn;
      this.#drawn = this.view;
      for (const draw of this.#listeners) draw(this.view, before, this);
    });
  }
}
