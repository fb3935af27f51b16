/**
 * <compare-page>: two runs side by side, each reduced from its own log as the run page does it: figures, subtasks on one
 * scale of time, results. One slider shows both as they were so many seconds after each was queued; a run that is under
 * way goes on being live here.
 */

/** @import { View } from "../types.d.ts" */
/** @import { Figures } from "./compare-align.js" */

import { find, h, ref, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { notify } from "../lib/notices.js";
import { duration, now, number, setServerTime } from "../lib/time.js";
import { live } from "../live.js";
import { drawRunBadge } from "./badge.js";
import { align, eventsUntil, figures, startOf } from "./compare-align.js";
import { CompareRow } from "./compare-row.js";
import { differenceOf } from "./compare-texts.js";
import { runEnded } from "./reducer.js";
import { RunStore } from "./store.js";
import { money, RUN_WORDS } from "./words.js";

/** @typedef {{id: string, task: string, mode: string, mode_words: string, group: string, url: string}} AboutRun */

/** Steps of the slider; its end is "now", whatever comes. */
const END = 1000;
/** How long a replay of both takes. */
const PLAY_MS = 12_000;

class ComparePage extends HTMLElement {
  /** @type {CompareRow[]} */
  rows = [];
  playing = 0;
  /** @type {AboutRun[]} */
  runs = [];
  /** @type {RunStore[]} */
  stores = [];
  /** The results whose difference is shown. */
  shown = "";
  /** The figures that are shown. */
  figures = "";

  connectedCallback() {
    const about = JSON.parse(document.getElementById("compare-data")?.textContent ?? "{}");
    setServerTime(about.now);
    this.runs = /** @type {AboutRun[]} */ (about.runs);
    this.stores = this.runs.map((run) => {
      const store = new RunStore(run);
      store.resubscribe = live.follow(`run:${run.id}`, {
        after: () => store.position,
        hello: (frame) => store.hello(frame),
        events: (frame) => store.take(frame),
        error: (frame) => notify(frame.message ?? frame.reason ?? "", "error"),
      });
      return store;
    });
    this.slider = find(this, "[data-ref=slider]", HTMLInputElement);
    this.slider.addEventListener("input", () => {
      this.#stop();
      this.#seek();
    });
    ref(this, "play").addEventListener("click", () => (this.playing ? this.#stop() : this.#play()));
    ref(this, "only").addEventListener("change", () => this.#draw());
    for (const store of this.stores) store.listen(() => this.#draw());
    this.timer = setInterval(() => {
      const under = this.stores.some(({ latest }) => !runEnded(latest.status));
      if (under && this.slider?.value === String(END) && !document.hidden) this.#draw();
    }, 1000);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    this.#stop();
  }

  /** Milliseconds that the longer of the two has taken. */
  get total() {
    const lengths = this.stores.map(({ latest }) => figures(latest, now()).total);
    return Math.max(1000, ...lengths);
  }

  /** Show both as they were at the slider's moment. */
  #seek() {
    const value = Number(this.slider?.value ?? END);
    const moment = (value / END) * this.total;
    for (const store of this.stores) {
      const start = startOf(store.latest);
      store.goTo(value >= END ? null : eventsUntil(store.events, start + moment));
    }
    this.#draw();
  }

  #play() {
    const { slider } = this;
    if (!slider) return;
    const from = Number(slider.value) >= END ? 0 : Number(slider.value);
    const start = performance.now();
    const step = () => {
      slider.value = String(Math.min(END, Math.round(from + ((performance.now() - start) / PLAY_MS) * END)));
      this.#seek();
      if (Number(slider.value) >= END) this.#stop();
      else this.playing = requestAnimationFrame(step);
    };
    this.playing = requestAnimationFrame(step);
    this.#showPlaying();
  }

  #stop() {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    this.#showPlaying();
  }

  #showPlaying() {
    const button = ref(this, "play");
    button.setAttribute("aria-pressed", String(this.playing !== 0));
    text(find(button, "span"), this.playing ? gettext("Stop") : gettext("Replay both"));
    find(button, "use", SVGUseElement).setAttribute("href", this.playing ? "#icon-pause" : "#icon-play");
  }

  #draw() {
    const [a, b] = this.stores.map(({ view }) => view);
    if (!a || !b) return;
    const value = Number(this.slider?.value ?? END);
    const { total } = this;
    const moment = (value / END) * total;
    text(ref(this, "moment"), value >= END ? gettext("now") : duration(moment));
    this.slider?.setAttribute("aria-valuetext", ref(this, "moment").textContent ?? "");
    this.stores.forEach(({ view }, n) => drawRunBadge(find(this, `[data-side=${n ? "b" : "a"}] .badge`), view.status));
    const at = (/** @type {View} */ view) => (value >= END ? now() : startOf(view) + moment);
    this.#facts(a, b, [figures(a, at(a)), figures(b, at(b))]);
    this.#rows(a, b, total, at);
    const result = ref(this, "result");
    const key = `${a.result}\u0000${b.result}`;
    if (this.shown !== key || !result.firstChild) result.replaceChildren(differenceOf(a.result, b.result));
    this.shown = key;
  }

  /** @param {View} a @param {View} b @param {[Figures, Figures]} both */
  #facts(a, b, [left, right]) {
    const tokens = (/** @type {Figures} */ of) => number(of.tokens);
    const cost = (/** @type {Figures} */ of) => (of.cost === null ? (of.tokens ? gettext("cost unknown") : "") : money(of.cost));
    const done = (/** @type {Figures} */ { done: n, work }) => fill(gettext("%(n)s of %(all)s"), { n, all: work });
    const [one, other] = this.runs;
    /** @type {[string, string, string, string][]} */
    const lines = [
      [gettext("Status"), RUN_WORDS[a.status], RUN_WORDS[b.status], a.status === b.status ? "" : gettext("different")],
      [gettext("Mode"), one?.mode_words ?? "", other?.mode_words ?? "", one?.mode === other?.mode ? "" : gettext("different")],
      [gettext("Somebody at work"), duration(left.working), duration(right.working), ratio(left.working, right.working)],
      [gettext("From beginning to end"), duration(left.total), duration(right.total), ratio(left.total, right.total)],
      [gettext("Tokens"), tokens(left), tokens(right), ratio(left.tokens, right.tokens)],
      [gettext("Cost"), cost(left), cost(right), ratio(left.cost ?? 0, right.cost ?? 0)],
      [gettext("Subtasks done"), done(left), done(right), change(left.done, right.done)],
      [gettext("Attempts"), String(left.attempts), String(right.attempts), change(left.attempts, right.attempts)],
      [gettext("Agents"), left.agents.join(", "), right.agents.join(", "), agentsWords(left.agents, right.agents)],
    ];
    const key = JSON.stringify(lines);
    if (key === this.figures) return;
    this.figures = key;
    const sides = ["", "A", "B", gettext("B against A")];
    ref(this, "facts").replaceChildren(
      ...lines.map(([name, ...cells]) =>
        h("tr", {}, h("th", { scope: "row" }, name), ...cells.map((cell, n) => h("td", { "data-label": sides[n + 1] ?? "" }, cell || (n < 2 ? "–" : "")))),
      ),
    );
  }

  /** @param {View} a @param {View} b @param {number} total @param {(view: View) => number} at */
  #rows(a, b, total, at) {
    const pairs = align(a, b);
    const only = find(this, "[data-ref=only]", HTMLInputElement).checked;
    const shown = only ? pairs.filter(({ marks }) => marks.length) : pairs;
    const list = ref(this, "rows");
    while (this.rows.length > shown.length) this.rows.pop()?.root.remove();
    shown.forEach((pair, n) => {
      let row = this.rows[n];
      if (!row) {
        row = new CompareRow();
        this.rows.push(row);
        list.append(row.root);
      }
      row.draw(pair, [{ start: startOf(a), now: at(a) }, { start: startOf(b), now: at(b) }], total);
    });
    list.setAttribute("aria-busy", String(this.stores.some((store) => !store.caughtUp)));
    text(ref(this, "count"), String(pairs.length));
    const none = ref(this, "none");
    const read = this.stores.every((store) => store.position && store.caughtUp);
    show(none, read && !shown.length);
    text(none, pairs.length ? gettext("Nothing differs: same subtasks, same agents, same results.") : gettext("Neither has a subtask yet."));
  }
}

/** @param {number} before @param {number} after */
function ratio(before, after) {
  if (!before || !after || Math.abs(after / before - 1) < 0.005) return "";
  const percent = Math.round((after / before - 1) * 100);
  return percent > 0 ? `+${percent}%` : `−${Math.abs(percent)}%`;
}

/** @param {number} before @param {number} after */
const change = (before, after) => (after === before ? "" : after > before ? `+${after - before}` : `−${before - after}`);

/** @param {string[]} before @param {string[]} after */
function agentsWords(before, after) {
  const came = after.filter((agent) => !before.includes(agent)).map((agent) => `+ ${agent}`);
  return [...came, ...before.filter((agent) => !after.includes(agent)).map((agent) => `− ${agent}`)].join(", ");
}

customElements.define("compare-page", ComparePage);
