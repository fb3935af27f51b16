/**
 * <state-tree label history runs agents>: a JSON document as a tree that opens and closes (WAI-ARIA tree pattern).
 *
 * However long it is, only the lines in view are there. What a newer version changed lights up in the colour of
 * whoever wrote it, and fades; held against another document, the lines tell what became of each path. Within a
 * <state-page> it shows what that page knows; elsewhere it is given documents by `show`.
 *
 * @import { Blame, Blames, Known, Row, Value } from "../sync/types.d.ts"
 * @import { Seen } from "../sync/tree-row.js"
 * @import { TreeAbout } from "./tree-about.js"
 *
 * @typedef {object} Shown
 * @property {Value} data
 * @property {Value} [before] what it is held against
 * @property {Blames} [blame]
 * @property {Map<string, string>} [changed] paths that have changed just now, each with who did it
 * @property {(path: string) => Blame | string} [blameOf] who wrote a path, or why that is not known; instead of `blame`
 */

import "./tree-about.js";
import { around, find, h, icon, setStyle, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { parse } from "../lib/json-tree.js";
import { keys } from "../lib/keys.js";
import { follow, tokensOf } from "../sync/ops.js";
import { fillRow, newRow, signature } from "../sync/tree-row.js";
import { blameAt, findIn, Folds, rowsOf, windowOf } from "../sync/tree.js";

/** Milliseconds for which a change stays lit (as in state-tree.css). */
const LIT = 4_000;
/** Lines above which the tree scrolls by itself. */
const LONG = 400;

export class StateTree extends HTMLElement {
  /** @type {Value} */
  #data = {};
  /** @type {Value | undefined} */
  #before;
  /** @type {Blames} */
  #blame = {};
  /** @type {Shown["blameOf"]} */
  #blameOf;
  #folds = new Folds();
  #only = false;
  /** @type {Row[]} */
  #rows = [];
  /** @type {Map<string, number>} where each path stands among the rows */
  #places = new Map();
  /** @type {Map<string, HTMLElement & { drawn?: string }>} */
  #items = new Map();
  /** @type {Map<string, { since: number, agent: string }>} */
  #lit = new Map();
  /** @type {string[]} */
  #found = [];
  #foundAt = -1;
  #words = "";
  /** The path that the tab key goes to. */
  #stop = "";
  #chosen = false;
  #row = 28;
  #timer = 0;
  #frame = 0;
  search = h("input", {
    type: "search", class: "tree-search", placeholder: gettext("Find in the document"), "aria-label": gettext("Find in the document"),
    spellcheck: false, autocomplete: "off", oninput: () => this.#look(), onkeydown: (/** @type {Event} */ event) => this.#searchKey(/** @type {KeyboardEvent} */ (event)),
  });
  count = h("span", { class: "tree-count", role: "status" });
  only = h("input", { type: "checkbox", onchange: () => this.#showOnly() });
  onlyBox = h("label", { class: "check tree-only", hidden: true }, this.only, h("span", {}, gettext("Changes only")));
  tree = h("div", { class: "tree", role: "tree" });
  view = h("div", { class: "tree-view" }, this.tree);
  nothing = h("p", { class: "empty-line", hidden: true });
  about = /** @type {TreeAbout} */ (document.createElement("tree-about"));
  resized = new ResizeObserver(() => this.#soon());
  /** @type {Element | null} */
  page = null;
  forget = () => {};

  connectedCallback() {
    if (!this.firstChild) this.#build();
    this.page = this.closest("state-page");
    if (this.page) {
      this.#data = /** @type {Value} */ (parse(find(this.page, "[data-text]").textContent ?? "{}"));
      this.page.addEventListener("known", this);
    }
    this.forget = keys.add(
      { section: gettext("Document"), keys: "f", text: gettext("Find in the document"), run: () => this.search.focus() },
      { section: gettext("Document"), keys: ["arrowup", "arrowdown"], text: gettext("From one value to another") },
      { section: gettext("Document"), keys: ["arrowright", "arrowleft"], text: gettext("Open it, or close it") },
      { section: gettext("Document"), keys: "]", text: gettext("Open everything"), run: () => this.#every("all") },
      { section: gettext("Document"), keys: "[", text: gettext("Close everything"), run: () => this.#every("none") },
      { section: gettext("Document"), keys: "c", text: gettext("Copy the value"), run: () => this.about.copyValue(), when: () => this.#chosen },
      { section: gettext("Document"), keys: "shift+c", text: gettext("Copy the path"), run: () => this.about.copyPath(), when: () => this.#chosen },
    );
    this.#draw();
  }

  disconnectedCallback() {
    this.page?.removeEventListener("known", this);
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.forget();
  }

  #build() {
    const quiet = (/** @type {string} */ words, /** @type {"all" | "none"} */ rest) =>
      h("button", { type: "button", class: "button button-quiet button-small", onclick: () => this.#every(rest) }, words);
    const tools = h(
      "div",
      { class: "tree-tools" },
      h("span", { class: "tree-find" }, this.search, this.count, tool(gettext("Previous match"), "up", () => this.#step(-1)), tool(gettext("Next match"), "down", () => this.#step(1))),
      this.onlyBox,
      quiet(gettext("Open all"), "all"),
      quiet(gettext("Close all"), "none"),
    );
    this.tree.setAttribute("aria-label", this.getAttribute("label") ?? "");
    for (const name of ["history", "runs", "agents"]) this.about.setAttribute(name, this.getAttribute(name) ?? "");
    this.replaceChildren(tools, this.view, this.nothing, this.about);
    this.tree.addEventListener("click", this);
    this.tree.addEventListener("keydown", this);
    this.tree.addEventListener("focusin", this);
    this.view.addEventListener("scroll", this, { passive: true });
    this.resized.observe(this.view);
  }

  /** Show a document. @param {Shown} shown */
  show({ data, before, blame = {}, blameOf, changed }) {
    this.#data = data;
    this.#before = before;
    this.#blame = blame;
    this.#blameOf = blameOf;
    this.#light(changed ?? new Map());
    if (this.#words) this.#found = findIn(data, this.#words);
    show(this.onlyBox, before !== undefined);
    this.#draw();
  }

  /** @param {Map<string, string>} changed */
  #light(changed) {
    const now = performance.now();
    for (const [path, { since }] of this.#lit) if (now - since > LIT) this.#lit.delete(path);
    for (const [path, agent] of changed) this.#lit.set(path, { since: now, agent });
    if (!changed.size) return;
    // Without motion nothing fades: the mark goes when its time is over.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#light(new Map());
      this.#draw();
    }, LIT + 50);
  }

  /**
   * Since when a row is lit and by whom: what was written, what stands under it, and a branch that hides it while it
   * is closed or because it is gone.
   *
   * @param {Row} row
   */
  #litAt({ path, branch, open }) {
    let newest = this.#lit.get(path) ?? null;
    for (const [each, lit] of this.#lit) {
      const under = path.startsWith(`${each}/`) || each === "";
      const hides = each.startsWith(`${path}/`) && ((branch && !open) || follow(this.#data, tokensOf(each)) === undefined);
      if ((under || hides) && lit.since > (newest?.since ?? 0)) newest = lit;
    }
    return newest;
  }

  /** Lay out all that is open, and draw what of it is in view. */
  #draw() {
    this.#rows = rowsOf(this.#data, this.#folds, { before: this.#before, only: this.#only && this.#before !== undefined });
    this.#places = new Map(this.#rows.map(({ path }, place) => [path, place]));
    if (!this.#places.has(this.#stop)) this.#stop = this.#rows[0]?.path ?? "";
    const long = this.#rows.length > LONG;
    this.view.classList.toggle("is-long", long);
    text(this.nothing, this.#only && this.#before !== undefined ? gettext("The data are the same in both.") : gettext("The document is empty."));
    show(this.nothing, !this.#rows.length);
    show(this.view, this.#rows.length > 0);
    this.#paint();
    this.#tell();
  }

  #soon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#measure();
    setStyle(this.tree, { "block-size": `${this.#rows.length * this.#row}px` });
    const long = this.view.classList.contains("is-long");
    const view = { count: this.#rows.length, top: this.view.scrollTop, height: this.view.clientHeight, row: this.#row };
    const { first, last } = long ? windowOf(view) : { first: 0, last: this.#rows.length };
    const places = Array.from({ length: last - first }, (_, n) => first + n);
    // The line that has the focus, or gets it by the tab key, is always there.
    const stop = this.#places.get(this.#stop);
    if (stop !== undefined && stop < first) places.unshift(stop);
    else if (stop !== undefined && stop >= last) places.push(stop);
    this.#place(places);
  }

  /** @param {number[]} places */
  #place(places) {
    const kept = new Set();
    /** @type {ChildNode | null} */
    let at = this.tree.firstChild;
    for (const place of places) {
      const row = /** @type {Row} */ (this.#rows[place]);
      const item = this.#items.get(row.path) ?? newRow(row.path);
      this.#items.set(row.path, item);
      kept.add(row.path);
      this.#fill(item, row);
      setStyle(item, { transform: `translateY(${place * this.#row}px)` });
      if (item === at) at = at.nextSibling;
      else this.tree.insertBefore(item, at);
    }
    for (const [path, item] of this.#items) {
      if (kept.has(path)) continue;
      item.remove();
      this.#items.delete(path);
    }
  }

  /** @param {HTMLElement & { drawn?: string }} item @param {Row} row */
  #fill(item, row) {
    /** @type {Seen} */
    const seen = {
      blame: row.branch ? null : this.#blame[row.path] ?? null,
      lit: this.#lit.size ? this.#litAt(row) : null,
      words: this.#words,
      compares: this.#before !== undefined,
      stop: row.path === this.#stop,
    };
    const drawn = signature(row, seen);
    if (item.drawn !== drawn) {
      fillRow(item, row, seen);
      item.drawn = drawn;
    }
    item.tabIndex = seen.stop ? 0 : -1;
    item.classList.toggle("is-found", row.path === this.#found[this.#foundAt]);
  }

  #measure() {
    const some = this.tree.firstElementChild;
    if (some instanceof HTMLElement && some.offsetHeight) this.#row = some.offsetHeight;
  }

  /** @param {Event} event */
  handleEvent(event) {
    if (event.type === "known") return this.show(/** @type {CustomEvent<Known>} */ (event).detail);
    if (event.type === "scroll") return this.#soon();
    const item = around(event, "[role=treeitem]");
    if (!item) return;
    const path = item.dataset.path ?? "";
    if (event.type === "focusin") {
      this.#stop = path;
      this.#chosen = true;
      this.#tell();
    } else if (event.type === "click") {
      if (getSelection()?.toString()) return;
      this.#go(path);
      this.#toggle(path);
    } else if (this.#press(/** @type {KeyboardEvent} */ (event), path)) event.preventDefault();
  }

  /** Say below who wrote what is chosen. */
  #tell() {
    if (!this.#chosen) return;
    const row = this.#rows[this.#places.get(this.#stop) ?? -1];
    if (!row) return this.about.rest();
    const blame = this.#blameOf?.(row.path) ?? blameAt(this.#blame, row.path);
    this.about.tell(row.path, row.value ?? row.before, blame);
    // Of what has just come by the socket it is not known in which run it was written.
    if (blame && typeof blame === "object" && blame.run === undefined) this.dispatchEvent(new CustomEvent("stars:blame", { bubbles: true }));
  }

  /** What a key does, as the pattern has it; whether it does anything. @param {KeyboardEvent} event @param {string} path */
  #press({ key, ctrlKey, metaKey, altKey }, path) {
    if (ctrlKey || metaKey || altKey) return false;
    const at = this.#places.get(path) ?? 0;
    const row = this.#rows[at];
    if (!row) return false;
    const to = (/** @type {number} */ place) => this.#go(this.#rows[Math.max(0, Math.min(this.#rows.length - 1, place))]?.path);
    const page = Math.max(1, Math.floor(Math.min(this.view.clientHeight, innerHeight) / this.#row) - 1);
    if (key === "ArrowDown") to(at + 1);
    else if (key === "ArrowUp") to(at - 1);
    else if (key === "PageDown") to(at + page);
    else if (key === "PageUp") to(at - page);
    else if (key === "Home") to(0);
    else if (key === "End") to(this.#rows.length - 1);
    else if (key === "Enter" || key === " ") this.#toggle(path);
    else if (key === "*") this.#every("all");
    else if (key === "ArrowRight" && row.branch && !row.open) this.#toggle(path);
    else if (key === "ArrowRight" && row.branch) to(at + 1);
    else if (key === "ArrowLeft" && row.open) this.#toggle(path);
    else if (key === "ArrowLeft") this.#go(path.slice(0, path.lastIndexOf("/")));
    else return false;
    return true;
  }

  /** Go to a line, which comes into view. @param {string | undefined} path */
  #go(path, { focus = true } = {}) {
    const place = path ? this.#places.get(path) : undefined;
    if (path === undefined || place === undefined) return;
    this.#stop = path;
    if (this.view.classList.contains("is-long")) {
      const [top, bottom] = [place * this.#row, (place + 1) * this.#row];
      if (top < this.view.scrollTop) this.view.scrollTop = top;
      else if (bottom > this.view.scrollTop + this.view.clientHeight) this.view.scrollTop = bottom - this.view.clientHeight;
    }
    this.#paint();
    const item = this.#items.get(path);
    if (focus) item?.focus({ preventScroll: this.view.classList.contains("is-long") });
    else {
      item?.scrollIntoView({ block: "nearest" });
      this.#chosen = true;
      this.#tell();
    }
  }

  /** @param {string} path */
  #toggle(path) {
    const row = this.#rows[this.#places.get(path) ?? -1];
    if (!row?.branch) return;
    this.#folds.set(path, !row.open);
    this.#draw();
  }

  /** @param {"all" | "none"} rest */
  #every(rest) {
    this.#folds.every(rest);
    this.#draw();
  }

  #showOnly() {
    this.#only = this.only.checked;
    this.#draw();
  }

  // -- looking for something ------------------------------------------------------------------------------------

  #look() {
    this.#words = this.search.value;
    this.#found = findIn(this.#data, this.#words);
    this.#foundAt = -1;
    if (this.#found.length) this.#step(1);
    else this.#draw();
    this.#countFound();
  }

  #countFound() {
    const words = this.#found.length
      ? fill(gettext("%(n)s of %(total)s"), { n: this.#foundAt + 1, total: this.#found.length })
      : gettext("Nothing found");
    text(this.count, this.#words.trim() ? words : "");
    find(this, ".tree-find").classList.toggle("is-used", Boolean(this.#words.trim()));
  }

  /** On to the next match, or back. @param {number} by */
  #step(by) {
    const count = this.#found.length;
    if (!count) return;
    this.#foundAt = (this.#foundAt + by + count) % count;
    const path = this.#found[this.#foundAt] ?? "";
    this.#folds.reveal(path);
    this.#draw();
    this.#go(path, { focus: false });
    this.#countFound();
  }

  /** @param {KeyboardEvent} event */
  #searchKey(event) {
    if (event.key === "Enter") this.#step(event.shiftKey ? -1 : 1);
    else if (event.key === "ArrowDown") this.#go(this.#found[this.#foundAt] ?? this.#stop);
    else if (event.key === "Escape" && this.search.value) {
      this.search.value = "";
      this.#look();
    } else return;
    event.preventDefault();
  }
}

/** @param {string} words @param {"up" | "down"} way @param {() => void} act */
const tool = (words, way, act) =>
  h("button", { type: "button", class: `icon-button tree-${way}`, title: words, "aria-label": words, onclick: act }, icon("chevron"));

customElements.define("state-tree", StateTree);
