/**
 * <run-timeline>: when each subtask waited, worked, failed and was tried again, on one axis of time: zoomed by dragging
 * over it, by buttons and keys; idle stretches can be left out. A click on the axis shows the run as it was then.
 */

/** @import { RunEvent, View } from "../types.d.ts" */
/** @import { FieldName, Focus } from "./focus.js" */
/** @import { RunStore } from "./store.js" */

import { around, h, ref, setStyle, show } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { duration, now } from "../lib/time.js";
import { ordered, runEnded } from "./reducer.js";
import { Axis, barsOf, idleStretches, isMostlyIdle, lengthOf, nearestAllowed, tickWords } from "./timeline.js";
import { BAR_WORDS, Lane } from "./timeline-lane.js";
import { titleOf } from "./words.js";

/** Bars grow so often: each step moves every bar there is. */
const GROW = 250;
/** So far a pointer moves before it is drawing a stretch, in pixels. */
const DRAG = 5;
const NARROW = 480;

class RunTimeline extends HTMLElement {
  /** Given by <stars-run>. @type {Focus | null} */
  viewing = null;
  /** @type {RunStore | null} */
  store = null;
  list = ref(this, "lanes");
  axisBox = ref(this, "axis");
  brush = ref(this, "brush");
  overlay = ref(this, "overlay");
  idle = ref(this, "idle", HTMLInputElement);
  /** Why it is checked though nobody did that. */
  why = h("span", { class: "muted", id: "idle-why", hidden: true }, gettext("(more than half of the time nothing happened)"));
  fit = ref(this, "fit", HTMLButtonElement);
  /** @type {Map<string, Lane>} */
  lanes = new Map();
  axis = new Axis(1000);
  /** When the bars were put in their places last, and of which run of how long. */
  placed = { at: 0, key: "" };
  forget = () => {};
  width = NARROW;
  observer = new ResizeObserver(([entry]) => {
    this.width = entry?.contentRect.width ?? NARROW;
    this.#place(true);
  });

  connectedCallback() {
    const bars = /** @type {const} */ (["queued", "running", "completed", "failed", "backoff", "waiting"]);
    ref(this, "legend").replaceChildren(...bars.map((state) => h("li", {}, h("span", { class: "bar", "data-state": state }), BAR_WORDS[state])));
    this.idle.parentElement?.append(" ", this.why);
    this.idle.setAttribute("aria-describedby", this.why.id);
    this.idle.addEventListener("change", () => this.viewing?.set({ idle: this.idle.checked }));
    this.addEventListener("click", (event) => this.#click(event));
    this.axisBox.addEventListener("pointerdown", (event) => this.#drag(event));
    this.observer.observe(this.axisBox);
    const when = () => this.#isOpen && !document.activeElement?.closest("run-log, run-replay");
    const section = gettext("Timeline");
    this.forget = keys.add(
      { section, keys: ["j", "arrowdown"], text: gettext("Next subtask"), run: () => this.#step(1), when },
      { section, keys: ["k", "arrowup"], text: gettext("Previous subtask"), run: () => this.#step(-1), when },
      { section, keys: ["+", "="], text: gettext("Nearer"), run: () => this.#zoom({ by: 2 }), when },
      { section, keys: "-", text: gettext("Farther"), run: () => this.#zoom({ by: 0.5 }), when },
      { section, keys: "0", text: gettext("The whole run"), run: () => this.viewing?.set({ from: null, to: null }), when },
      { section, keys: "arrowleft", text: gettext("Earlier"), run: () => this.#zoom({ move: -0.25 }), when },
      { section, keys: "arrowright", text: gettext("Later"), run: () => this.#zoom({ move: 0.25 }), when },
    );
  }

  disconnectedCallback() {
    this.forget();
    this.observer.disconnect();
  }

  /** @param {View} view @param {View | null} before @param {RunStore} store */
  draw(view, before, store) {
    this.store = store;
    if (!view.last_seq) return;
    const same = before && before.subtasks === view.subtasks && before.status === view.status && before.plan === view.plan;
    if (!same) this.#lanes(view);
    this.#place(!same || store.at !== null);
    if (!same) for (const lane of this.lanes.values()) lane.tick(this.#now);
  }

  /** @param {View} _view @param {number} at */
  tick(_view, at) {
    this.#place(false);
    for (const lane of this.lanes.values()) lane.tick(at);
  }

  /** @param {Focus} focus @param {ReadonlySet<FieldName>} changed */
  follow(focus, changed) {
    this.idle.checked = focus.idle;
    show(this.why, focus.idleByItself);
    this.fit.disabled = focus.from === null && focus.to === null;
    // Another moment is drawn anyway.
    if (["idle", "from", "to"].some((name) => changed.has(/** @type {FieldName} */ (name)))) this.#place(true);
    for (const lane of this.lanes.values()) this.#light(lane);
    if (!["subtask", "agent", "seq"].some((name) => changed.has(/** @type {FieldName} */ (name)))) return;
    this.#overlay();
    if (focus.subtask && this.#isOpen) this.lanes.get(focus.subtask)?.node.scrollIntoView({ block: "nearest" });
  }

  /** Whether its panel is; unlike `checkVisibility` this lays nothing out. */
  get #isOpen() {
    return !this.closest("[role=tabpanel][hidden]");
  }

  /** Now, or the moment that is shown. */
  get #now() {
    const { store } = this;
    return store && store.at !== null ? Date.parse(store.view.lastAt ?? "") : now();
  }

  /** @param {View} view */
  #lanes(view) {
    const start = Date.parse(view.queuedAt ?? view.lastAt ?? "");
    const subtasks = ordered(view);
    const titles = new Map(subtasks.map((subtask) => [subtask.key, titleOf(subtask)]));
    show(ref(this, "empty"), !subtasks.length);
    const { latest } = /** @type {RunStore} */ (this.store);
    const whole = runEnded(latest.status) ? lengthOf(latest, 0, true) : Infinity;
    const wanted = new Set(subtasks.map(({ id }) => id));
    for (const [id, lane] of this.lanes) {
      if (wanted.has(id)) continue;
      lane.node.remove();
      this.lanes.delete(id);
    }
    subtasks.forEach((subtask, index) => {
      let lane = this.lanes.get(subtask.id);
      const fresh = !lane;
      if (!lane) this.lanes.set(subtask.id, (lane = new Lane(subtask)));
      if (this.list.children[index] !== lane.node) this.list.insertBefore(lane.node, this.list.children[index] ?? null);
      const other = lane.whole !== whole;
      lane.whole = whole;
      if (fresh || other || lane.subtask !== subtask) lane.draw(subtask, start, titles, this.#now - start);
      if (fresh) this.#light(lane);
    });
  }

  /** @param {Lane} lane */
  #light(lane) {
    const { id, agentId } = lane.subtask;
    lane.node.classList.toggle("is-lit", Boolean(this.viewing?.marks({ subtask: id, agent: agentId })));
  }

  /** Lay the axis and put every bar in its place; while they only grow, not at every drawing. @param {boolean} must */
  #place(must) {
    const { store, viewing } = this;
    if (!store?.view.last_seq || !viewing || !this.#isOpen) return;
    if (!must && performance.now() - this.placed.at < GROW) return;
    // The past is shown on the axis of the whole run, so that it does not shift while the film runs.
    const { latest, view } = store;
    const total = lengthOf(latest, now(), runEnded(latest.status));
    const shown = store.at === null ? total : lengthOf(view, this.#now, true);
    const idle = idleStretches(this.#bars(), total);
    viewing.suggestIdle(isMostlyIdle(idle, total));
    this.axis = new Axis(total, viewing.idle ? idle : [], viewing);
    for (const lane of this.lanes.values()) lane.place(this.axis, shown);
    this.placed.at = performance.now();
    this.#ruler();
    this.#overlay();
  }

  /** The bars of the whole run, also while the past is shown. */
  #bars() {
    const { at, latest } = /** @type {RunStore} */ (this.store);
    if (at === null) return [...this.lanes.values()].flatMap((lane) => lane.bars);
    const start = Date.parse(latest.queuedAt ?? latest.lastAt ?? "");
    return Object.values(latest.subtasks).flatMap((subtask) => barsOf(subtask, start));
  }

  #ruler() {
    const most = this.width < NARROW ? 4 : 8;
    const place = (/** @type {number} */ x) => ({ "inset-inline-start": `${(x * 100).toFixed(2)}%` });
    const shown = this.axis.time(1) - this.axis.time(0);
    const ticks = this.axis.ticks(most).map(({ time, x }) => h("span", { class: "axis-tick", style: place(x) }, tickWords(time, shown)));
    const breaks = this.axis.breaks.map(({ from, to, x }) => h("span", { class: "axis-break", style: place(x), title: fill(gettext("%(time)s in which nothing happened"), { time: duration(to - from) }) }));
    const key = [...ticks, ...breaks].map((node) => node.textContent + node.getAttribute("style")).join();
    if (key === this.placed.key) return;
    this.placed.key = key;
    ref(this, "ticks").replaceChildren(...ticks, ...breaks);
  }

  /** Over all lanes: what is left out, the moment that is shown, the event in focus. */
  #overlay() {
    const { store, viewing, axis } = this;
    if (!store || !viewing || !this.#isOpen) return;
    const start = Date.parse(store.latest.queuedAt ?? store.latest.lastAt ?? "");
    const marks = axis.breaks.map(({ x, end }) => h("i", { class: "lane-break", style: { "inset-inline-start": `${x * 100}%`, "inline-size": `${(end - x) * 100}%` } }));
    const line = (/** @type {string} */ name, /** @type {string | null | undefined} */ at) => {
      const x = at ? axis.x(Date.parse(at) - start) : -1;
      if (x >= 0 && x <= 1) marks.push(h("i", { class: name, style: { "inset-inline-start": `${x * 100}%` } }));
    };
    if (store.at !== null) line("lane-now", store.view.lastAt);
    if (viewing.seq) line("lane-event", store.events[viewing.seq - 1]?.at);
    this.overlay.replaceChildren(...marks);
  }

  /** @param {{by?: number, at?: number, move?: number}} how */
  #zoom(how) {
    this.viewing?.set(this.axis.zoom(how));
  }

  /** @param {number} step */
  #step(step) {
    const lanes = [...this.list.children].map((node) => this.lanes.get(/** @type {HTMLElement} */ (node).dataset.subtask ?? ""));
    const here = lanes.findIndex((lane) => lane?.node.contains(document.activeElement) || lane?.subtask.id === this.viewing?.subtask);
    const next = lanes[Math.max(0, Math.min(lanes.length - 1, here + step))];
    if (!next) return;
    next.enter();
    this.viewing?.pick({ subtask: next.subtask.id, agent: next.subtask.agentId });
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const act = around(event, "[data-zoom]")?.dataset.zoom;
    if (act === "in") this.#zoom({ by: 2 });
    else if (act === "out") this.#zoom({ by: 0.5 });
    else if (act === "fit") this.viewing?.set({ from: null, to: null });
    const lane = this.lanes.get(around(event, ".lane")?.dataset.subtask ?? "");
    if (lane) this.viewing?.pick({ subtask: lane.subtask.id, agent: lane.subtask.agentId });
  }

  /** Drawing a stretch on the axis zooms to it; a click shows the run as it was then. @param {PointerEvent} down */
  #drag(down) {
    if (down.button) return;
    const frame = this.axisBox.getBoundingClientRect();
    const place = (/** @type {PointerEvent} */ { clientX }) => Math.max(0, Math.min(1, (clientX - frame.left) / frame.width));
    const first = place(down);
    const done = new AbortController();
    const draw = (/** @type {PointerEvent} */ event) => {
      const [low, high] = [first, place(event)].toSorted((a, b) => a - b);
      const shown = Math.abs(event.clientX - down.clientX) > DRAG;
      if (show(this.brush, shown)) setStyle(this.brush, { "inset-inline-start": `${(low ?? 0) * 100}%`, "inline-size": `${((high ?? 0) - (low ?? 0)) * 100}%` });
    };
    const drop = (/** @type {PointerEvent} */ event) => {
      done.abort();
      show(this.brush, false);
      if (event.type === "pointercancel") return;
      const [from, to] = [this.axis.time(first), this.axis.time(place(event))];
      if (Math.abs(event.clientX - down.clientX) > DRAG) this.viewing?.set(nearestAllowed(from, to));
      else this.#goTo(to);
    };
    this.axisBox.setPointerCapture(down.pointerId);
    const { signal } = done;
    this.axisBox.addEventListener("pointermove", draw, { signal });
    this.axisBox.addEventListener("pointerup", drop, { signal });
    this.axisBox.addEventListener("pointercancel", drop, { signal });
  }

  /** @param {number} time - since the run was queued */
  #goTo(time) {
    const { events = [], latest } = this.store ?? {};
    const then = Date.parse(latest?.queuedAt ?? "") + time;
    let [low, high] = [0, events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Date.parse(/** @type {RunEvent} */ (events[middle]).at) <= then) low = middle + 1;
      else high = middle;
    }
    this.viewing?.set({ at: low >= events.length ? null : Math.max(1, low) });
  }
}

customElements.define("run-timeline", RunTimeline);
