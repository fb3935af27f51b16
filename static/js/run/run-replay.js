/**
 * <run-replay>: the run as a film: a slider over the log, play and pause, speeds, single steps, and the way back to
 * now. Where one is in the log is the page's `at`, so that every part shows that moment; it works while the run goes on.
 */

/** @import { RunEvent, View } from "../types.d.ts" */
/** @import { FieldName, Focus } from "./focus.js" */
/** @import { RunStore } from "./store.js" */

import { h, icon, ref, setStyle, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { durationIn, number } from "../lib/time.js";
import { clockTime } from "./log-row.js";
import { runEnded } from "./reducer.js";
import { Film, Player, SPEEDS } from "./replay.js";
import { tone } from "./words.js";

/** Milliseconds between two moments of the film: as often as the page draws. */
const STEP = 100;
/** So many marks on the slider say enough. */
const MARKS = 80;
const MARKED = new Set(["plan.proposed", "plan.changed", "subtask.waiting", "run.paused", "votes.counted"]);

class RunReplay extends HTMLElement {
  /** Given by <stars-run>. @type {Focus | null} */
  viewing = null;
  /** @type {RunStore | null} */
  store = null;
  slider = ref(this, "slider", HTMLInputElement);
  button = ref(this, "play", HTMLButtonElement);
  speed = ref(this, "speed", HTMLSelectElement);
  idle = ref(this, "idle", HTMLInputElement);
  clock = ref(this, "clock");
  where = ref(this, "where");
  marks = ref(this, "marks");
  film = new Film();
  player = new Player(this.film);
  /** @type {{seq: number, tone: string}[]} */
  found = [];
  read = 0;
  shownMarks = "";
  /** @type {ReturnType<typeof setInterval> | undefined} */
  timer;
  tickedAt = 0;
  forget = () => {};

  connectedCallback() {
    this.speed.replaceChildren(...SPEEDS.map((speed) => h("option", { value: String(speed) }, `${speed}×`)));
    this.slider.addEventListener("input", () => this.#goTo(Number(this.slider.value)));
    this.button.addEventListener("click", () => this.#toggle());
    this.speed.addEventListener("change", () => this.viewing?.set({ speed: Number(this.speed.value) }));
    this.idle.addEventListener("change", () => this.viewing?.set({ idle: this.idle.checked }));
    this.closest("stars-run")?.addEventListener("click", (event) => this.#click(/** @type {MouseEvent} */ (event)));
    const section = gettext("Replay");
    this.forget = keys.add(
      { section, keys: "p", text: gettext("Play or pause"), run: () => this.#toggle() },
      { section, keys: ",", text: gettext("One event back"), run: () => this.#step(-1) },
      { section, keys: ".", text: gettext("One event on"), run: () => this.#step(1) },
      { section, keys: "<", text: gettext("Slower"), run: () => this.#hurry(-1) },
      { section, keys: ">", text: gettext("Faster"), run: () => this.#hurry(1) },
      { section, keys: "b", text: gettext("Back to now"), run: () => this.#now(), when: () => this.viewing?.at !== null },
    );
  }

  disconnectedCallback() {
    this.forget();
    clearInterval(this.timer);
  }

  /** @param {View} _view @param {View | null} _before @param {RunStore} store */
  draw(_view, _before, store) {
    this.store = store;
    const news = store.events.slice(this.read);
    this.read = store.events.length;
    this.film.take(news);
    this.found.push(...news.filter(isMarked).map((event) => ({ seq: event.seq, tone: tone(event) })));
    this.hidden = store.position < 2;
    this.#settle();
    this.#draw();
  }

  /** @param {Focus} focus @param {ReadonlySet<FieldName>} changed */
  follow(focus, changed) {
    if (this.film.shorten(focus.idle)) this.player.seek(this.#at);
    if (changed.has("at") && focus.at === null) this.#pause();
    // Somebody else went elsewhere: the film goes on from there.
    if (changed.has("at") && this.film.on(this.player.time) !== focus.at) this.player.seek(this.#at);
    this.#draw();
  }

  /** The event that is shown last. */
  get #at() {
    return this.viewing?.at ?? this.film.events;
  }

  /** A link may name a moment that the log does not have: then it is shown as it is now. */
  #settle() {
    const at = this.viewing?.at ?? null;
    if (at !== null && this.store?.position && this.store.caughtUp && at >= this.store.position) this.#now();
  }

  #draw() {
    const { viewing, store } = this;
    if (!viewing || !store) return;
    const [at, count] = [Math.min(this.#at, this.film.events), this.film.events];
    const past = viewing.at !== null;
    this.classList.toggle("is-past", past);
    this.slider.max = String(count);
    this.slider.value = String(at);
    setStyle(this.slider, { "--share": `${count > 1 ? ((at - 1) / (count - 1)) * 100 : 100}%` });
    const whole = this.film.since(count);
    const since = durationIn(this.film.since(at), whole);
    text(this.clock, `${since} / ${durationIn(whole, whole)}`);
    const values = { n: number(at), total: number(count) };
    const words = fill(gettext("event %(n)s of %(total)s"), values);
    this.slider.setAttribute("aria-valuetext", `${words}, ${since}`);
    const event = store.events[at - 1];
    text(this.where, past && event ? `${words} · ${clockTime(event.at)}` : words);
    this.speed.value = String(SPEEDS.findLast((speed) => speed <= viewing.speed) ?? 1);
    this.idle.checked = viewing.idle;
    const word = this.player.playing ? gettext("Pause the replay") : gettext("Play the run as a film");
    if (this.button.title !== word) {
      this.button.title = word;
      this.button.setAttribute("aria-label", word);
      this.button.replaceChildren(icon(this.player.playing ? "pause" : "play"));
    }
    this.#mark(count);
  }

  /** Where something failed, was asked or decided; while the run goes on they would only wander. @param {number} count */
  #mark(count) {
    const shown = runEnded(this.store?.latest.status ?? "queued") && this.store?.caughtUp ? this.found.slice(-MARKS) : [];
    const key = `${count}:${shown.length}`;
    if (key === this.shownMarks) return;
    this.shownMarks = key;
    this.marks.replaceChildren(
      ...shown.map(({ seq, tone }) => h("i", { "data-tone": tone, style: { "inset-inline-start": `${((seq - 1) / Math.max(1, count - 1)) * 100}%` } })),
    );
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const act = /** @type {Element} */ (event.target).closest("[data-replay]")?.getAttribute("data-replay");
    if (act === "now") this.#now();
    else if (act === "back") this.#step(-1);
    else if (act === "on") this.#step(1);
  }

  #toggle() {
    if (this.player.playing) return this.#pause();
    if (!this.viewing || this.film.events < 2) return;
    // From the beginning, unless one stands somewhere in it.
    if (this.viewing.at === null) this.#goTo(1);
    else this.player.seek(this.#at);
    this.player.playing = true;
    this.tickedAt = performance.now();
    clearInterval(this.timer);
    this.timer = setInterval(() => this.#play(), STEP);
    this.#draw();
  }

  #play() {
    const now = performance.now();
    const at = this.player.advance(now - this.tickedAt, this.viewing?.speed ?? 1);
    this.tickedAt = now;
    if (at === null) this.#now();
    else this.viewing?.set({ at });
  }

  #pause() {
    clearInterval(this.timer);
    this.player.playing = false;
    this.#draw();
  }

  #now() {
    this.#pause();
    this.viewing?.set({ at: null });
  }

  /** @param {1 | -1} step */
  #step(step) {
    this.#pause();
    this.#goTo(Math.max(1, this.#at + step));
  }

  /** @param {1 | -1} step */
  #hurry(step) {
    this.viewing?.set({ speed: Player.speed(this.viewing.speed, step) });
  }

  /** @param {number} n */
  #goTo(n) {
    this.viewing?.set({ at: n >= this.film.events ? null : n });
    this.player.seek(n);
  }
}

/** @param {RunEvent} event */
const isMarked = (event) => MARKED.has(event.type) || tone(event) === "bad";

customElements.define("run-replay", RunReplay);
