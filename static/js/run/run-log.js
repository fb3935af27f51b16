/**
 * <run-log>: the event log. Only the rows in sight exist, so ten thousand events scroll as easily as ten;
 * follows the end until the reader scrolls up, and then counts what is new.
 */

import { h, setStyle, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { clockTime, logRow } from "./log-row.js";
import { tone } from "./words.js";

/** Must equal `--log-row` in run-log.css. */
const ROW = 30;
const SPARE = 8;
const FILTERS = {
  all: () => true,
  steps: (event) => tone(event) !== "text" && tone(event) !== "tool",
  tools: (event) => tone(event) === "tool",
  problems: (event) => tone(event) === "bad",
};

class RunLog extends HTMLElement {
  connectedCallback() {
    this.box = this.querySelector("[data-ref=scroll]");
    this.space = this.querySelector("[data-ref=space]");
    this.pill = this.querySelector("[data-ref=pill]");
    this.count = this.querySelector("[data-ref=count]");
    this.detail = this.querySelector("[data-ref=detail]");
    this.filter = "all";
    this.rows = [];
    this.read = 0;
    this.seen = 0;
    this.following = true;
    this.made = new Map();
    this.box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.pill.addEventListener("click", () => this.#toEnd());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.querySelector("[data-ref=filters]").addEventListener("change", (event) => this.#choose(event.target.value));
    this.observer = new ResizeObserver(() => this.#paint());
    this.observer.observe(this.box);
  }

  disconnectedCallback() {
    this.observer.disconnect();
  }

  draw(view, before, store) {
    this.view = view;
    this.store = store;
    this.#sift();
    const { length } = store.events;
    text(this.count, store.caughtUp ? length.toLocaleString() : `${length.toLocaleString()} / ${store.target.toLocaleString()}`);
    setStyle(this.space, { "--rows": String(this.rows.length) });
    if (this.following) this.#toEnd();
    else this.#paint();
  }

  #sift() {
    const { events } = this.store;
    const wanted = FILTERS[this.filter];
    for (; this.read < events.length; this.read += 1) {
      if (wanted(events[this.read])) this.rows.push(this.read);
    }
  }

  #choose(filter) {
    this.filter = filter;
    this.rows = [];
    this.read = 0;
    for (const node of this.made.values()) node.remove();
    this.made.clear();
    this.following = true;
    this.draw(this.view, null, this.store);
  }

  #scrolled() {
    this.following = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < ROW;
    this.#paint();
  }

  #toEnd() {
    this.following = true;
    this.box.scrollTop = this.box.scrollHeight;
    this.#paint();
  }

  /** Make the rows in sight, drop the others. */
  #paint() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - SPARE);
    const last = Math.min(this.rows.length, first + Math.ceil(this.box.clientHeight / ROW) + 2 * SPARE);
    for (const [index, node] of this.made) {
      if (index < first || index >= last) {
        node.remove();
        this.made.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) {
      if (this.made.has(index)) continue;
      const event = this.store.events[this.rows[index]];
      const node = logRow(event, this.view, () => this.#open(event));
      setStyle(node, { "--row": String(index) });
      this.made.set(index, node);
      this.space.append(node);
    }
    if (this.following) this.seen = this.rows.length;
    const fresh = this.rows.length - this.seen;
    show(this.pill, !this.following && fresh > 0);
    text(this.pill, fill(gettext("%(n)s new"), { n: fresh.toLocaleString() }));
  }

  #open(event) {
    const { type, at } = event;
    const close = h("button", { type: "button", class: "icon-button", "aria-label": gettext("Close"), onclick: () => show(this.detail, false) }, "×");
    this.detail.replaceChildren(
      h("header", {}, h("strong", {}, `#${event.seq} ${type}`), h("span", { class: "muted" }, clockTime(at)), close),
      h("pre", { tabIndex: 0 }, JSON.stringify(event, null, 2)),
    );
    show(this.detail, true);
  }

  #key(event) {
    if (event.key === "End") this.#toEnd();
    else if (event.key === "Escape") show(this.detail, false);
    else return;
    event.preventDefault();
  }
}

customElements.define("run-log", RunLog);
