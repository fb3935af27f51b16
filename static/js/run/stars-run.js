/**
 * <stars-run>: the run page. Reads what the server says about the run, follows its log, and lets each part draw
 * itself. A part is an element `[data-part]`, given `about`, `viewing` (the page's Focus), and these calls:
 *
 * - `draw(view, before, store)`: after every change of what is shown; `before` is the view that this part drew last,
 *   null at first. A part in a panel that is not open is left alone until it is, then drawn once.
 * - `tick(view, now)`, optional: twice a second while the run goes on, and after each drawing of the past.
 * - `follow(focus, changed)`, optional: `changed` (names of fields) of what is looked at is different.
 *
 * While the past is shown (`store.at`) `view` is the view of then. Parts with `data-now` steer the run and have
 * nothing to do with the past: they are always drawn with the latest view, and hidden while the past is shown.
 */

/** @import { About, RunEvent, View } from "../types.d.ts" */
/** @import { FieldName, Focus } from "./focus.js" */
/** @import { RunStore as Store } from "./store.js" */

import "./run-header.js";
import "./run-log.js";
import "./run-progress.js";
import "./run-result.js";
import "./run-story.js";
import "./run-tabs.js";
import "./run-voice.js";
import { notify } from "../lib/notices.js";
import { now, setServerTime } from "../lib/time.js";
import { live } from "../live.js";
import { pageFocus } from "./focus.js";
import { isThere } from "./parts.js";
import { runEnded } from "./reducer.js";
import { RunStore } from "./store.js";

/**
 * @typedef {object} PartOf
 * @property {About} about
 * @property {Focus} viewing
 * @property {(view: View, before: View | null, store: Store) => void} draw
 * @property {(view: View, now: number) => void} [tick]
 * @property {(focus: Focus, changed: ReadonlySet<FieldName>) => void} [follow]
 */
/** @typedef {HTMLElement & PartOf} Part */

/** Events of a file that are taken in at once. */
const AT_ONCE = 5000;
/** Links to a subtask, as parts and mails have them: they look at it in the story. */
const TO_SUBTASK = /^#subtask-([\w-]+)$/;

export class StarsRun extends HTMLElement {
  /** A run that was read from a file; null: it is the server's, and followed. @type {{about: About, events: readonly RunEvent[]} | null} */
  log = null;
  /** @type {Part[]} */
  parts = [];
  /** What each part drew last. @type {Map<Part, View>} */
  drawn = new Map();
  viewing = pageFocus();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer;

  connectedCallback() {
    /** @type {About} */
    const about = this.log?.about ?? JSON.parse(document.getElementById("run-data")?.textContent ?? "{}");
    this.about = about;
    setServerTime(about.now);
    this.store = new RunStore(about);
    this.store.at = this.viewing.at;
    this.parts = /** @type {Part[]} */ ([...this.querySelectorAll("[data-part]")]);
    for (const part of this.parts) this.#give(part);
    this.#goToHash();
    this.#follow(new Set(["view", "at"]));
    this.store.listen(() => this.#draw());
    this.viewing.addEventListener("change", (event) => this.#follow(/** @type {CustomEvent} */ (event).detail));
    this.addEventListener("run:opened", () => this.#draw());
    this.addEventListener("click", (event) => this.#click(event));
    if (this.log) this.#read(this.log.events);
    else this.#live(about.id);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** What a part asks for. @param {Part} part */
  #give(part) {
    if (this.about) part.about = this.about;
    part.viewing = this.viewing;
  }

  /** Follow the server's log. @param {string} id */
  #live(id) {
    if (!this.store) return;
    this.store.resubscribe = live.follow(`run:${id}`, {
      after: () => this.store?.position ?? 0,
      hello: (frame) => this.store?.hello(frame),
      events: (frame) => this.store?.take(frame),
      error: (frame) => notify(frame.message ?? frame.reason ?? "", "error"),
    });
    this.timer = setInterval(() => this.#tick(), 500);
  }

  /** Take a log in, some of it at a time, so that a long one does not freeze the page. @param {readonly RunEvent[]} events */
  #read(events) {
    const { store } = this;
    if (!store) return;
    store.hello({ last_seq: events.length });
    const next = () => {
      store.take({ seq: events.length, events: events.slice(store.position, store.position + AT_ONCE) });
      if (!store.caughtUp && this.isConnected) setTimeout(next);
    };
    next();
  }

  /** A part whose module has come: it has missed everything so far. @param {Part} part */
  #come(part) {
    this.#give(part);
    part.follow?.(this.viewing, new Set(["view", "at", "subtask", "agent", "seq"]));
    this.#draw();
  }

  /** Let every part in sight draw what is new to it. */
  #draw() {
    const { store } = this;
    if (!store) return;
    for (const part of this.parts) {
      if (part.closest("[role=tabpanel][hidden]")) continue;
      const view = "now" in part.dataset ? store.latest : store.view;
      if (!isThere(part, view, () => this.#come(part))) continue;
      part.draw(view, this.drawn.get(part) ?? null, store);
      this.drawn.set(part, view);
      if (store.at !== null && view.lastAt) part.tick?.(view, Date.parse(view.lastAt));
    }
    if (!this.read && store.position && store.caughtUp) {
      this.read = true; // what a link looks at is there now
      for (const part of this.parts) part.follow?.(this.viewing, new Set(["subtask", "agent", "seq"]));
    }
  }

  /** @param {ReadonlySet<FieldName>} changed */
  #follow(changed) {
    if (changed.has("at")) {
      this.classList.toggle("is-past", this.viewing.at !== null);
      this.store?.goTo(this.viewing.at);
    }
    for (const part of this.parts) part.follow?.(this.viewing, changed);
  }

  /** Clocks and countdowns go on between events; nothing ticks in the past or once the run has come to rest. */
  #tick() {
    const { store } = this;
    if (!store || document.hidden || store.at !== null || runEnded(store.view.status) || !store.position) return;
    for (const part of this.parts) if (this.drawn.has(part)) part.tick?.(store.view, now());
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const link = /** @type {Element} */ (event.target).closest("a[href^='#subtask-']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#look(link.getAttribute("href") ?? "");
  }

  /** A link from elsewhere, to a subtask: what it says goes on in the query. */
  #goToHash() {
    if (!this.#look(location.hash)) return;
    history.replaceState(history.state, "", location.pathname + location.search);
  }

  /** @param {string} hash */
  #look(hash) {
    const subtask = TO_SUBTASK.exec(hash)?.[1];
    if (!subtask) return false;
    this.viewing.set({ view: "story", subtask, agent: "", seq: null });
    return true;
  }
}

customElements.define("stars-run", StarsRun);
