/**
 * <json-area check>: the JSON field inside it, with line numbers, what is wrong beside the line as one types (the server
 * is asked at `check`, when there is such an address), formatting, and undo that reaches back beyond both.
 *
 * Tells `stars:checked` of what was found: {faults}.
 *
 * @typedef {{ path: string | null, line: number, text: string }} Fault
 */

import { find, h, icon, text } from "../lib/dom.js";
import { post } from "../lib/http.js";
import { fill, gettext, ngettext } from "../lib/i18n.js";
import { parse, pretty } from "../lib/json-tree.js";
import { Undo } from "../sync/drafts.js";
import { lineOf, linesOf, spanOf } from "../sync/lines.js";

/** Milliseconds after the last key before the text is looked at here, and by the server. */
const SOON = 150;
const LATER = 450;
/** Faults that are listed. */
const SHOWN = 8;

export class JsonArea extends HTMLElement {
  area = find(this, "textarea", HTMLTextAreaElement);
  gutter = h("div", { class: "json-gutter", "aria-hidden": "true" });
  list = h("ul", { class: "json-faults" });
  verdict = h("span", { class: "json-verdict", role: "status" });
  /** @type {HTMLButtonElement} */
  back = tool(gettext("Undo"), "retry", () => this.#travel("undo"), "json-undo");
  /** @type {HTMLButtonElement} */
  on = tool(gettext("Redo"), "retry", () => this.#travel("redo"), "");
  /** @type {Fault[]} */
  faults = [];
  #undo = new Undo(this.area.value);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #asked = 0;

  connectedCallback() {
    if (this.gutter.isConnected) return;
    const frame = h("div", { class: "json-frame" }, this.gutter);
    this.area.before(frame);
    frame.append(this.area);
    this.area.wrap = "off";
    const format = h("button", { type: "button", class: "button button-quiet button-small", onclick: () => this.format() }, gettext("Format"));
    frame.before(h("div", { class: "json-tools" }, this.back, this.on, format, this.verdict));
    frame.after(this.list);
    this.area.addEventListener("input", () => this.#typed());
    this.area.addEventListener("scroll", () => (this.gutter.scrollTop = this.area.scrollTop), { passive: true });
    this.area.addEventListener("keydown", (event) => this.#key(event));
    this.area.addEventListener("beforeinput", (event) => {
      if (event.inputType === "historyUndo" || event.inputType === "historyRedo") {
        event.preventDefault();
        this.#travel(event.inputType === "historyUndo" ? "undo" : "redo");
      }
    });
    this.#showUndo();
    this.#number(new Set());
    if (this.area.value.trim()) this.#look();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  /** Put another text there, as one step that can be undone. @param {string} value */
  write(value, { fresh = false } = {}) {
    if (fresh) this.#undo = new Undo(value);
    else this.#undo.push(value);
    this.#show(value);
  }

  /** The document, or undefined while the text is no JSON. @returns {any} */
  get data() {
    try {
      return parse(this.area.value);
    } catch {
      return undefined;
    }
  }

  format() {
    const data = this.data;
    if (data === undefined) return this.#go(this.faults[0]);
    this.write(pretty(data));
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #typed() {
    this.#undo.push(this.area.value, Date.now());
    this.#showUndo();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), SOON);
  }

  /** @param {string} value */
  #show(value) {
    if (this.area.value !== value) {
      const before = this.area.value;
      this.area.value = value;
      // The cursor goes to where the texts part, so that what was undone is seen.
      let at = 0;
      while (at < value.length && value[at] === before[at]) at++;
      if (document.activeElement === this.area) this.area.setSelectionRange(at, at);
    }
    this.#showUndo();
    this.#look();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    const way = key === "z" ? (event.shiftKey ? "redo" : "undo") : key === "y" ? "redo" : "";
    if (!way) return;
    event.preventDefault();
    this.#travel(way);
  }

  /** @param {"undo" | "redo"} way */
  #travel(way) {
    const value = way === "undo" ? this.#undo.undo() : this.#undo.redo();
    if (value === this.area.value) return;
    this.#show(value);
    this.dispatchEvent(new CustomEvent("stars:written", { bubbles: true }));
  }

  #showUndo() {
    this.back.disabled = !this.#undo.canUndo;
    this.on.disabled = !this.#undo.canRedo;
  }

  // -- what is wrong --------------------------------------------------------------------------------------------

  /** Look at the text here, and have the server look at it when it is JSON. */
  #look() {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    const { lines, fault } = linesOf(this.area.value);
    if (!this.area.value.trim()) return this.#told([], "");
    if (fault) {
      const words = fill(gettext("This is not JSON from line %(line)s, column %(column)s on."), fault);
      return this.#told([{ path: null, line: fault.line, text: words }], "");
    }
    const address = this.getAttribute("check");
    if (!address) return this.#told([], gettext("This is JSON."));
    this.#timer = setTimeout(async () => {
      try {
        const answer = /** @type {{ faults: { path: string | null, text: string }[] }} */ (await post(address, { text: this.area.value }));
        if (asked !== this.#asked) return;
        this.#told(answer.faults.map(({ path, text: said }) => ({ path, line: lineOf(lines, path ?? ""), text: said })), gettext("Nothing is wrong with it."));
      } catch {
        // The server is away; what can be said here is said.
        if (asked === this.#asked) this.#told([], gettext("This is JSON."));
      }
    }, LATER - SOON);
  }

  /** @param {Fault[]} faults @param {string} fine */
  #told(faults, fine) {
    this.faults = faults;
    this.#number(new Set(faults.map(({ line }) => line)));
    this.area.setAttribute("aria-invalid", String(faults.length > 0));
    this.verdict.dataset.fine = String(!faults.length);
    text(this.verdict, faults.length ? fill(ngettext("%(n)s problem", "%(n)s problems", faults.length), { n: faults.length }) : fine);
    this.list.replaceChildren(
      ...faults.slice(0, SHOWN).map((fault) =>
        h(
          "li",
          {},
          h("button", { type: "button", class: "json-fault", onclick: () => this.#go(fault) }, fill(gettext("line %(n)s"), { n: fault.line })),
          h("span", {}, fault.path ? h("code", {}, fault.path) : "", fault.path ? " " : "", fault.text),
        ),
      ),
    );
    this.dispatchEvent(new CustomEvent("stars:checked", { detail: { faults } }));
  }

  /** Mark the line of a fault. @param {Fault | undefined} fault */
  #go(fault) {
    if (!fault) return;
    const { begin, end } = spanOf(this.area.value, fault.line);
    this.area.focus();
    this.area.setSelectionRange(begin, end);
    const height = this.area.scrollHeight / Math.max(1, this.area.value.split("\n").length);
    this.area.scrollTop = Math.max(0, (fault.line - 3) * height);
  }

  /** @param {Set<number>} bad */
  #number(bad) {
    const count = this.area.value.split("\n").length;
    const key = `${count}:${[...bad].join()}`;
    if (this.gutter.dataset.key === key) return;
    this.gutter.dataset.key = key;
    this.gutter.replaceChildren(...Array.from({ length: count }, (_, n) => h("span", { class: bad.has(n + 1) ? "is-bad" : "" }, String(n + 1))));
    this.gutter.scrollTop = this.area.scrollTop;
  }
}

/** @param {string} words @param {string} sign @param {() => void} act @param {string} more */
const tool = (words, sign, act, more) =>
  h("button", { type: "button", class: `icon-button ${more}`, title: words, "aria-label": words, onclick: act }, icon(sign));

customElements.define("json-area", JsonArea);
