/**
 * What the parts of a group's page share: its members and what they are at, fetched once, followed live. Says `change`
 * when something is to be drawn anew, and `pass` (detail: Passing[]) when something goes from one member to another.
 *
 * @import { Facts, Passing, Sky } from "./map-state.js"
 * @import { EventsFrame } from "../types.d.ts"
 */

import { get } from "../lib/http.js";
import { live } from "../live.js";
import { arrived, begin, follow, renew } from "./map-state.js";

/** Milliseconds between two fetches. */
const PAUSE = 400;
const POKES = ["stars:poke:members", "stars:poke:messages", "stars:poke:runs", "stars:poke:group", "stars:resync"];

class GroupFacts extends EventTarget {
  /** @type {Sky | null} */
  sky = null;
  #src = "";
  #asking = false;
  #again = false;
  /** @type {Set<string>} */
  #followed = new Set();

  /** Begin, once, with the address of the facts. @param {string} src */
  open(src) {
    if (this.#src) return;
    this.#src = src;
    for (const poke of POKES) document.body.addEventListener(poke, () => this.#renew());
    this.#renew();
  }

  async #renew() {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    this.#again = false;
    try {
      const facts = /** @type {Facts} */ (await get(this.#src));
      const passed = this.sky ? arrived(this.sky, facts) : [];
      this.sky = this.sky ? renew(this.sky, facts) : begin(facts);
      this.#followRuns();
      this.dispatchEvent(new Event("change"));
      this.#pass(passed);
    } catch {
      // What is shown stays; the page's banner tells of the broken connection, and its return asks again.
    }
    setTimeout(() => {
      this.#asking = false;
      if (this.#again) this.#renew();
    }, PAUSE);
  }

  #followRuns() {
    const runs = this.sky?.runs ?? new Map();
    for (const id of this.#followed) {
      if (runs.has(id)) continue;
      this.#followed.delete(id);
      live.leave(`run:${id}`);
    }
    for (const id of runs.keys()) {
      if (this.#followed.has(id)) continue;
      this.#followed.add(id);
      live.follow(`run:${id}`, {
        after: () => this.sky?.runs.get(id)?.seq ?? 0,
        events: (frame) => this.#events(id, frame),
      });
    }
  }

  /** @type {(id: string, frame: EventsFrame & {status?: string}) => void} */
  #events(id, { events, status }) {
    if (!this.sky) return;
    const passed = follow(this.sky, id, events, status ?? "running");
    if (events.some(({ type }) => type !== "text.delta")) this.dispatchEvent(new Event("change"));
    this.#pass(passed);
  }

  /** @param {Passing[]} passed */
  #pass(passed) {
    if (passed.length) this.dispatchEvent(new CustomEvent("pass", { detail: passed }));
  }
}

/** The group's of this page. */
export const facts = new GroupFacts();
