/**
 * <run-log>: the event log. Pieces of text that follow each other share a line, which opens. Only the rows in sight exist, so ten thousand events scroll as easily as ten; follows the
 * end until the reader scrolls up or pauses it, and then counts what is new. One row may be chosen: it is in focus.
 */

/** @import { View } from "../types.d.ts" */
/** @import { FieldName, Focus } from "./focus.js" */
/** @import { RunStore } from "./store.js" */

import { around, icon, ref, setStyle, show, text } from "../lib/dom.js";
import { fill, gettext, ngettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { KINDS, LogFilter } from "./log-filter.js";
import { LogLines } from "./log-lines.js";
import { LogMenu } from "./log-menu.js";
import { isBrief, logDetail, logRow } from "./log-row.js";

/** Must equal `--log-row` in run-log.css. */
const ROW = 30;
const SPARE = 8;
/** Typing waits so long for the next letter. */
const TYPING = 120;
/** A row that exists, and the number of the last event that it shows. @typedef {{node: HTMLElement, last: number}} Made */
/** @type {Record<typeof KINDS[number], string>} */
const KIND_WORDS = { all: gettext("Every piece by itself"), steps: gettext("Steps"), tools: gettext("Tools"), texts: gettext("Texts"), problems: gettext("Problems") };

class RunLog extends HTMLElement {
  /** Given by <stars-run>. @type {Focus | null} */
  viewing = null;
  /** @type {RunStore | null} */
  store = null;
  /** @type {View | null} */
  view = null;
  box = ref(this, "scroll");
  space = ref(this, "space");
  pill = ref(this, "pill", HTMLButtonElement);
  count = ref(this, "count");
  detail = ref(this, "detail");
  search = ref(this, "search", HTMLInputElement);
  hold = ref(this, "hold", HTMLButtonElement);
  filter = new LogFilter();
  agents = new LogMenu(gettext("Agents"), (agents) => this.viewing?.set({ agents }));
  types = new LogMenu(gettext("Events"), (types) => this.viewing?.set({ types }));
  lines = new LogLines();
  /** The rows that exist, by their place among those shown. @type {Map<number, Made>} */
  made = new Map();
  /** How many rows are shown, and how many events in them. */
  rows = 0;
  sifted = 0;
  /** Whether the moments are told to the millisecond. */
  brief = true;
  seen = 0;
  following = true;
  /** While it is held, no more than so many events are shown. @type {number | null} */
  held = null;
  /** The number of the event whose JSON is open. @type {number | null} */
  opened = null;
  /** Whether the log has been read for the first time. */
  begun = false;
  top = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  typing;
  forget = () => {};
  observer = new ResizeObserver(() => this.#paint());

  connectedCallback() {
    ref(this, "menus").append(this.agents.node, this.types.node);
    this.box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("click", (event) => this.#click(event));
    this.pill.addEventListener("click", () => this.#toEnd());
    this.hold.addEventListener("click", () => (this.held === null ? this.#hold() : this.#toEnd()));
    this.search.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.viewing?.set({ q: this.search.value }), TYPING);
    });
    this.search.addEventListener("keydown", (event) => this.#leaveSearch(event));
    this.detail.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    this.observer.observe(this.box);
    this.forget = keys.add(
      { section: gettext("Log"), keys: "l", text: gettext("Go to the log"), run: () => this.#enter(this.box) },
      { section: gettext("Log"), keys: ["j", "arrowdown"], text: gettext("In it: the next event") },
      { section: gettext("Log"), keys: ["k", "arrowup"], text: gettext("In it: the event before") },
      { section: gettext("Log"), keys: "enter", text: gettext("The event as it is, or the pieces of text one by one") },
      { section: gettext("Log"), keys: "arrowleft", text: gettext("Pieces of text on one line") },
      { section: gettext("Log"), keys: "f", text: gettext("Search in the log"), run: () => this.#enter(this.search) },
    );
    this.#drawHold();
  }

  disconnectedCallback() {
    this.forget();
    this.observer.disconnect();
    clearTimeout(this.typing);
  }

  /** @param {View} view @param {View | null} _before @param {RunStore} store */
  draw(view, _before, store) {
    this.view = view;
    this.store = store;
    this.filter.take(store.events, store.latest);
    this.lines.take(this.filter.rows, store.events, this.filter.folds);
    const brief = isBrief(store.latest);
    if (brief !== this.brief) this.#forgetRows();
    this.brief = brief;
    this.#shape();
  }

  /** @param {Focus} focus @param {ReadonlySet<FieldName>} changed */
  follow(focus, changed) {
    const has = (/** @type {FieldName[]} */ ...names) => names.some((name) => changed.has(name));
    if (has("agents", "types", "q") || !this.store) {
      if (this.search.value.trim() !== focus.q) this.search.value = focus.q;
      this.filter.want(focus);
      this.lines.reset();
      this.#forgetRows();
      this.following = this.held === null;
      if (this.store && this.view) this.draw(this.view, null, this.store);
    }
    if (has("at") && focus.at !== null) this.following = true;
    if (!has("subtask", "agent", "seq")) return;
    // An event that is looked at is no part of a line.
    if (focus.seq !== null && this.#rowOf(focus.seq) >= 0 && this.#event(this.#rowOf(focus.seq))?.seq !== focus.seq) this.#unfold(focus.seq, true);
    for (const [index, { node }] of this.made) this.#light(node, index);
    // Whoever comes by a link that names an event is shown it as it is.
    const first = !this.begun && Boolean(this.store?.position && this.store.caughtUp);
    if (focus.seq === null) this.#close();
    else if (this.opened !== null || first) this.#open(focus.seq);
    this.begun ||= first;
    if (focus.subtask || focus.agent || focus.seq) this.#bring(focus);
  }

  /** Bring what is shown in line with the log, the filter, the moment and the hold. */
  #shape() {
    const { store, viewing } = this;
    if (!store || !viewing) return;
    const n = store.shown;
    this.sifted = this.filter.shownAt(this.held === null ? n : Math.min(n, this.held));
    this.rows = this.lines.countOf(this.sifted);
    const total = store.caughtUp ? store.position : store.target;
    const some = this.filter.isOff ? n : this.filter.shownAt(n);
    text(this.count, some === total ? total.toLocaleString() : `${some.toLocaleString()} / ${total.toLocaleString()}`);
    this.agents.draw([...this.filter.agents].map((value) => ({ value, label: value })), viewing.agents);
    const kinds = KINDS.map((value) => ({ value, label: KIND_WORDS[value] }));
    const types = [...this.filter.types].map(([value, count]) => ({ value, label: value, count }));
    this.types.draw([...kinds, ...types], viewing.types);
    setStyle(this.space, { "--rows": String(this.rows) });
    const { length } = this.filter.rows;
    show(ref(this, "none"), !length && store.caughtUp && store.position > 0);
    for (const index of this.made.keys()) if (index >= this.rows) this.#drop(index);
    if (this.following) this.box.scrollTop = this.box.scrollHeight;
    this.#paint();
  }

  /** @param {number} index */
  #drop(index) {
    this.made.get(index)?.node.remove();
    this.made.delete(index);
  }

  #forgetRows() {
    for (const index of this.made.keys()) this.#drop(index);
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    if (scrollHeight - scrollTop - clientHeight < ROW) this.following = this.held === null;
    else if (scrollTop < this.top) this.following = false;
    this.top = scrollTop;
    this.#paint();
  }

  #toEnd() {
    this.held = null;
    this.following = true;
    this.#drawHold();
    this.#shape();
  }

  #hold() {
    this.held = this.store?.shown ?? 0;
    this.following = false;
    this.#drawHold();
    this.#shape();
  }

  #drawHold() {
    const held = this.held !== null;
    const word = held ? gettext("Go on with the log") : gettext("Pause the log");
    this.hold.replaceChildren(icon(held ? "play" : "pause"));
    this.hold.title = word;
    this.hold.setAttribute("aria-label", word);
    this.hold.setAttribute("aria-pressed", String(held));
  }

  /** Make the rows in sight, drop the others. */
  #paint() {
    const { store, view } = this;
    if (!store || !view) return;
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - SPARE);
    const last = Math.min(this.rows, first + Math.ceil(this.box.clientHeight / ROW) + 2 * SPARE);
    for (const index of this.made.keys()) if (index < first || index >= last) this.#drop(index);
    for (let index = first; index < last; index += 1) {
      const { from, to } = this.lines.rowsOf(index, this.sifted);
      const end = this.#at(to - 1)?.seq ?? 0;
      const made = this.made.get(index);
      if (made?.last === end) continue;
      const events = Array.from({ length: to - from }, (_, n) => this.#at(from + n)).filter((event) => event !== undefined);
      const [event, ...rest] = events;
      if (!event) continue;
      const node = logRow([event, ...rest], store.latest, this.filter.folds && this.lines.isOpen(event));
      setStyle(node, { "--row": String(index) });
      this.#light(node, index);
      if (made) made.node.replaceWith(node);
      else this.space.append(node);
      this.made.set(index, { node, last: end });
    }
    const all = this.filter.shownAt(store.shown);
    if (this.following) this.seen = all;
    this.seen = Math.min(this.seen, all);
    const fresh = all - this.seen;
    if (show(this.pill, !this.following && fresh > 0)) {
      text(this.pill, fill(ngettext("+%(n)s new", "+%(n)s new", fresh), { n: fresh.toLocaleString() }));
    }
  }

  /** The event that is shown at this place, whichever line it is in. @param {number} place */
  #at(place) {
    return this.store?.events[this.filter.rows[place] ?? -1];
  }

  /** The event that a row begins with. @param {number} index */
  #event(index) {
    return this.#at(this.lines.rowsOf(index, this.sifted).from);
  }

  /** @param {HTMLElement} node @param {number} index */
  #light(node, index) {
    const { viewing } = this;
    const event = this.#event(index);
    if (!event || !viewing) return;
    const { from, to } = this.lines.rowsOf(index, this.sifted);
    const chosen = event.seq === viewing.seq;
    let lit = false;
    for (let place = from; place < to && !lit; place += 1) {
      const one = this.#at(place);
      lit = viewing.marks({ subtask: one?.subtask, agent: one?.agent_id });
    }
    node.classList.toggle("is-lit", lit);
    node.setAttribute("aria-selected", String(chosen));
    if (chosen) this.box.setAttribute("aria-activedescendant", node.id);
  }

  /** The row that an event is in; -1 if it is not shown. @param {number} seq */
  #rowOf(seq) {
    const place = this.filter.shownAt(seq) - 1;
    return this.filter.rows[place] === seq - 1 && place < this.sifted ? this.lines.lineOf(place) : -1;
  }

  /** Give each piece of text around this event a row, or all of them one. Tells whether anything changed. @param {number} seq @param {boolean} open */
  #unfold(seq, open) {
    const { store, filter, lines } = this;
    if (!store || !filter.folds || !lines.turn(filter.shownAt(seq) - 1, filter.rows, store.events, open)) return false;
    lines.take(filter.rows, store.events, filter.folds);
    this.following = false;
    this.#forgetRows();
    this.#shape();
    return true;
  }

  /** Open the pieces around the event in focus, or close them and look at the first. @param {number} seq @param {boolean} open */
  #turn(seq, open) {
    if (this.#unfold(seq, open) && !open) this.#choose(this.#rowOf(seq));
  }

  /** Bring into sight what came into focus elsewhere. @param {Focus} focus */
  #bring(focus) {
    const inSight = (/** @type {number} */ index) => index * ROW >= this.box.scrollTop && (index + 1) * ROW <= this.box.scrollTop + this.box.clientHeight;
    if (focus.seq) return this.#scrollTo(this.#rowOf(focus.seq));
    for (const [index, { node }] of this.made) if (node.classList.contains("is-lit") && inSight(index)) return;
    const place = this.filter.rows.findIndex((row) => {
      const event = this.store?.events[row];
      return event && focus.marks({ subtask: event.subtask, agent: event.agent_id });
    });
    if (place < this.sifted) this.#scrollTo(this.lines.lineOf(place));
  }

  /** @param {number} index */
  #scrollTo(index) {
    if (index < 0) return;
    const { scrollTop, clientHeight } = this.box;
    if (index * ROW >= scrollTop && (index + 1) * ROW <= scrollTop + clientHeight) return;
    this.following = false;
    this.box.scrollTop = index * ROW - clientHeight / 3;
    this.#paint();
  }

  /** Put the event of a row into focus. @param {number} index */
  #choose(index) {
    const event = this.#event(Math.max(0, Math.min(this.rows - 1, index)));
    if (!event) return;
    this.viewing?.pick({ seq: event.seq, subtask: event.subtask, agent: event.agent_id });
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const node = around(event, ".log-row");
    const index = [...this.made].find(([, one]) => one.node === node)?.[0];
    if (index === undefined) return;
    const seq = this.#event(index)?.seq ?? 0;
    const opened = around(event, ".log-fold.is-open");
    this.#choose(index);
    this.#look(seq, !opened);
  }

  /** Open the pieces that share a row (or let them share it again); an event alone is shown as it is. @param {number} seq */
  #look(seq, open = true) {
    if (!this.#unfold(seq, open)) this.#open(seq);
  }

  /** @param {number} seq */
  #open(seq) {
    const event = this.store?.events[seq - 1];
    if (!event) return;
    this.opened = seq;
    const goTo = () => this.viewing?.set({ at: seq });
    this.detail.replaceChildren(...logDetail(event, { close: () => this.#close(), goTo }));
    show(this.detail, true);
    this.#scrollTo(this.#rowOf(seq));
  }

  #close() {
    if (this.detail.contains(document.activeElement)) this.box.focus();
    this.opened = null;
    show(this.detail, false);
  }

  /** From the words to what they have found. @param {KeyboardEvent} event */
  #leaveSearch(event) {
    if (!["Enter", "ArrowDown"].includes(event.key) || event.isComposing) return;
    event.preventDefault();
    clearTimeout(this.typing);
    this.viewing?.set({ q: this.search.value });
    this.box.focus();
    this.#choose(0);
  }

  /** Go to the log, wherever it is. @param {HTMLElement} place */
  #enter(place) {
    if (!this.checkVisibility()) this.viewing?.set({ view: "log" });
    place.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const here = this.viewing?.seq ? this.#rowOf(this.viewing.seq) : -1;
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW) - 1);
    const from = here >= 0 ? here : this.rows;
    const steps = new Map([
      ["j", from + 1], ["ArrowDown", from + 1], ["k", from - 1], ["ArrowUp", from - 1],
      ["PageDown", from + page], ["PageUp", from - page], ["Home", 0], ["End", this.rows - 1],
    ]);
    const step = steps.get(event.key);
    const { seq } = this.viewing ?? {};
    if (step !== undefined) this.#choose(step);
    else if (["ArrowLeft", "ArrowRight"].includes(event.key) && seq) this.#turn(seq, event.key === "ArrowRight");
    else if (event.key === "Enter" && seq) this.#look(seq);
    else if (event.key === "Escape" && this.opened !== null) this.#close();
    else if (event.key === "Escape") this.viewing?.pick();
    else return;
    if (event.key === "End") this.#toEnd();
    event.preventDefault();
  }
}

customElements.define("run-log", RunLog);
