/**
 * <run-log>: the event log. Pieces of text that follow each other share a line, which opens. Only the rows in sight
 * exist, so ten thousand events scroll as easily as ten; follows the end until the reader scrolls up or pauses it, and
 * then counts what is new. One row may be chosen: it is in focus.
 */

/** @import { View } from "../types.d.ts" */
/** @import { FieldName, Focus } from "./focus.js" */
/** @import { RunStore } from "./store.js" */

import { around, ref, setStyle, show, text } from "../lib/dom.js";
import { fill, ngettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { LogDetail } from "./log-detail.js";
import { logShortcuts, rowAfter } from "./log-keys.js";
import { LogMenus } from "./log-menu.js";
import { drawHold, isBrief, logRow } from "./log-row.js";
import { LogRows } from "./log-rows.js";
import { LogSearch } from "./log-search.js";

/** Must equal `--log-row` in run-log.css. */
const ROW = 30;
const SPARE = 8;
/** A row that exists, and the number of the last event that it shows. @typedef {{node: HTMLElement, last: number}} Made */

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
  detail = new LogDetail(ref(this, "detail"), { goTo: (at) => this.viewing?.set({ at }), leave: () => this.box.focus() });
  search = new LogSearch(ref(this, "search", HTMLInputElement), { want: (q) => this.viewing?.set({ q }), leave: () => this.#leaveSearch() });
  hold = ref(this, "hold", HTMLButtonElement);
  rows = new LogRows();
  menus = new LogMenus((chosen) => this.viewing?.set(chosen));
  /** The rows that exist, by their place among those shown. @type {Map<number, Made>} */
  made = new Map();
  /** Whether the moments are told to the millisecond. */
  brief = true;
  seen = 0;
  following = true;
  /** While it is held, no more than so many events are shown. @type {number | null} */
  held = null;
  /** Whether the log has been read for the first time. */
  begun = false;
  top = 0;
  forget = () => {};
  observer = new ResizeObserver(() => this.#paint());

  connectedCallback() {
    ref(this, "menus").append(...this.menus.nodes);
    this.box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("click", (event) => this.#click(event));
    this.pill.addEventListener("click", () => this.#toEnd());
    this.hold.addEventListener("click", () => (this.held === null ? this.#hold() : this.#toEnd()));
    this.observer.observe(this.box);
    this.forget = keys.add(...logShortcuts(() => this.#enter(this.box), () => this.#enter(this.search.box)));
    this.#drawHold();
  }

  disconnectedCallback() {
    this.forget();
    this.observer.disconnect();
    this.search.stop();
  }

  /** @param {View} view @param {View | null} _before @param {RunStore} store */
  draw(view, _before, store) {
    this.view = view;
    this.store = store;
    this.rows.take(store);
    const brief = isBrief(store.latest);
    if (brief !== this.brief) this.#forgetRows();
    this.brief = brief;
    this.#shape();
  }

  /** @param {Focus} focus @param {ReadonlySet<FieldName>} changed */
  follow(focus, changed) {
    const has = (/** @type {FieldName[]} */ ...names) => names.some((name) => changed.has(name));
    if (has("agents", "types", "q") || !this.store) {
      this.search.show(focus.q);
      this.rows.want(focus);
      this.#forgetRows();
      this.following = this.held === null;
      if (this.store && this.view) this.draw(this.view, null, this.store);
    }
    if (has("at") && focus.at !== null) this.following = true;
    if (!has("subtask", "agent", "seq")) return;
    // An event that is looked at is no part of a line.
    const row = focus.seq === null ? -1 : this.rows.rowOf(focus.seq);
    if (focus.seq !== null && row >= 0 && this.rows.first(row)?.seq !== focus.seq) this.#unfold(focus.seq, true);
    for (const [index, { node }] of this.made) this.#light(node, index);
    // Whoever comes by a link that names an event is shown it as it is.
    const first = !this.begun && Boolean(this.store?.position && this.store.caughtUp);
    if (focus.seq === null) this.detail.close();
    else if (this.detail.opened !== null || first) this.#open(focus.seq);
    this.begun ||= first;
    if (focus.subtask || focus.agent || focus.seq) this.#bring(focus);
  }

  /** Bring what is shown in line with the log, the filter, the moment and the hold. */
  #shape() {
    const { store, viewing } = this;
    if (!store || !viewing) return;
    const { rows } = this;
    const { filter } = rows;
    const n = store.shown;
    rows.cut(this.held === null ? n : Math.min(n, this.held));
    const total = store.caughtUp ? store.position : store.target;
    const some = filter.isOff ? n : filter.shownAt(n);
    text(this.count, some === total ? total.toLocaleString() : `${some.toLocaleString()} / ${total.toLocaleString()}`);
    this.menus.draw(filter, viewing);
    setStyle(this.space, { "--rows": String(rows.count) });
    show(ref(this, "none"), !filter.rows.length && store.caughtUp && store.position > 0);
    for (const index of this.made.keys()) if (index >= rows.count) this.#drop(index);
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
    drawHold(this.hold, this.held !== null);
  }

  /** Make the rows in sight, drop the others. */
  #paint() {
    const { store, view } = this;
    if (!store || !view) return;
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - SPARE);
    const last = Math.min(this.rows.count, first + Math.ceil(this.box.clientHeight / ROW) + 2 * SPARE);
    for (const index of this.made.keys()) if (index < first || index >= last) this.#drop(index);
    for (let index = first; index < last; index += 1) {
      const end = this.rows.endOf(index);
      const made = this.made.get(index);
      if (made?.last === end) continue;
      const [event, ...rest] = this.rows.of(index);
      if (!event) continue;
      const node = logRow([event, ...rest], store.latest, this.rows.isOpen(event));
      setStyle(node, { "--row": String(index) });
      this.#light(node, index);
      if (made) made.node.replaceWith(node);
      else this.space.append(node);
      this.made.set(index, { node, last: end });
    }
    const all = this.rows.filter.shownAt(store.shown);
    if (this.following) this.seen = all;
    this.seen = Math.min(this.seen, all);
    const fresh = all - this.seen;
    if (show(this.pill, !this.following && fresh > 0)) {
      text(this.pill, fill(ngettext("+%(n)s new", "+%(n)s new", fresh), { n: fresh.toLocaleString() }));
    }
  }

  /** @param {HTMLElement} node @param {number} index */
  #light(node, index) {
    const { viewing } = this;
    const event = this.rows.first(index);
    if (!event || !viewing) return;
    const chosen = event.seq === viewing.seq;
    const lit = this.rows.of(index).some((one) => viewing.marks({ subtask: one.subtask, agent: one.agent_id }));
    node.classList.toggle("is-lit", lit);
    node.setAttribute("aria-selected", String(chosen));
    if (chosen) this.box.setAttribute("aria-activedescendant", node.id);
  }

  /** See LogRows.turn. @param {number} seq @param {boolean} open */
  #unfold(seq, open) {
    if (!this.rows.turn(seq, open)) return false;
    this.following = false;
    this.#forgetRows();
    this.#shape();
    return true;
  }

  /** Open the pieces around the event in focus, or close them and look at the first. @param {number} seq @param {boolean} open */
  #turn(seq, open) {
    if (this.#unfold(seq, open) && !open) this.#choose(this.rows.rowOf(seq));
  }

  /** Bring into sight what came into focus elsewhere. @param {Focus} focus */
  #bring(focus) {
    const inSight = (/** @type {number} */ index) => index * ROW >= this.box.scrollTop && (index + 1) * ROW <= this.box.scrollTop + this.box.clientHeight;
    if (focus.seq) return this.#scrollTo(this.rows.rowOf(focus.seq));
    for (const [index, { node }] of this.made) if (node.classList.contains("is-lit") && inSight(index)) return;
    this.#scrollTo(this.rows.find((event) => focus.marks({ subtask: event.subtask, agent: event.agent_id })));
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
    const event = this.rows.first(Math.max(0, Math.min(this.rows.count - 1, index)));
    if (!event) return;
    this.viewing?.pick({ seq: event.seq, subtask: event.subtask, agent: event.agent_id });
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const node = around(event, ".log-row");
    const index = [...this.made].find(([, one]) => one.node === node)?.[0];
    if (index === undefined) return;
    const seq = this.rows.first(index)?.seq ?? 0;
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
    this.detail.open(event);
    this.#scrollTo(this.rows.rowOf(seq));
  }

  /** From the words to what they have found. */
  #leaveSearch() {
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
    const here = this.viewing?.seq ? this.rows.rowOf(this.viewing.seq) : -1;
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW) - 1);
    const step = rowAfter(event.key, here, this.rows.count, page);
    const { seq } = this.viewing ?? {};
    if (step !== undefined) this.#choose(step);
    else if (["ArrowLeft", "ArrowRight"].includes(event.key) && seq) this.#turn(seq, event.key === "ArrowRight");
    else if (event.key === "Enter" && seq) this.#look(seq);
    else if (event.key === "Escape" && this.detail.opened !== null) this.detail.close();
    else if (event.key === "Escape") this.viewing?.pick();
    else return;
    if (event.key === "End") this.#toEnd();
    event.preventDefault();
  }
}

customElements.define("run-log", RunLog);
