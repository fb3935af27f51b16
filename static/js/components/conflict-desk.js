/**
 * <conflict-desk>: settling a conflict path by path, with the keyboard alone if one likes. What was chosen is kept in
 * the tab until it is settled, and the page says so when somebody else was faster.
 *
 * @import { Side } from "../sync/picks.js"
 */

import { find, ref, show, text } from "../lib/dom.js";
import { fill, gettext, ngettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { tabStorage } from "../sync/drafts.js";
import { linesOf } from "../sync/lines.js";
import { Picks } from "../sync/picks.js";

/** @type {[string, Side][]} */
const SIDES = [["1", "base"], ["2", "theirs"], ["3", "mine"]];

class ConflictDesk extends HTMLElement {
  form = find(this, "form", HTMLFormElement);
  boxes = [...this.querySelectorAll("fieldset")];
  picks = new Picks(this.boxes.map((box) => box.dataset.path ?? ""));
  forget = () => {};
  /** @type {HTMLButtonElement | undefined} */
  settle;
  #sending = false;
  #place = `stars.picks.${location.pathname}`;
  #swapped = () => this.#stands();

  connectedCallback() {
    const settle = this.querySelector("button[value=picks]");
    if (!(settle instanceof HTMLButtonElement)) return;
    this.settle = settle;
    this.#restore();
    for (const each of this.querySelectorAll("[data-js-only]")) if (each instanceof HTMLElement) show(each, true);
    this.addEventListener("change", (event) => this.#changed(event));
    this.addEventListener("input", (event) => this.#typed(event));
    this.addEventListener("focusin", (event) => this.#here(event));
    this.addEventListener("keydown", (event) => this.#key(event));
    this.form.addEventListener("submit", (event) => this.#submit(event));
    document.body.addEventListener("htmx:afterSwap", this.#swapped);
    const section = gettext("Conflict");
    const words = [gettext("Take what stood before both"), gettext("Take what stands now"), gettext("Take what was set aside")];
    this.forget = keys.add(
      { section, keys: ["j", "arrowdown"], text: gettext("Next path"), run: () => this.#go(1) },
      { section, keys: ["k", "arrowup"], text: gettext("Previous path"), run: () => this.#go(-1) },
      ...SIDES.map(([key, side], index) => ({ section, keys: key, text: words[index] ?? "", run: () => this.#pick(side) })),
      { section, keys: "e", text: gettext("Write another value"), run: () => this.#pick("value") },
      { section, keys: "p", text: gettext("Preview"), run: () => find(this, "button[value=preview]").click() },
      { section, keys: ["s", "mod+enter"], text: gettext("Settle as chosen"), run: () => settle.click() },
    );
    this.#tell();
    this.#stands();
  }

  disconnectedCallback() {
    this.forget();
    document.body.removeEventListener("htmx:afterSwap", this.#swapped);
  }

  /** Choices made before a reload. */
  #restore() {
    for (const box of this.boxes) this.#read(box);
    if (this.picks.picked.size) return;
    try {
      const kept = JSON.parse(tabStorage()?.getItem(this.#place) ?? "[]");
      for (const [name, value] of /** @type {[string, string][]} */ (kept)) {
        const fields = [...this.form.elements].filter((each) => each.getAttribute("name") === name);
        for (const field of fields) {
          if (field instanceof HTMLTextAreaElement) field.value = value;
          else if (field instanceof HTMLInputElement && field.type === "radio") field.checked = field.value === value;
        }
      }
    } catch {
      // Nothing, or nothing that can be read, was kept.
    }
    for (const box of this.boxes) this.#read(box);
  }

  #keep() {
    const named = [...new FormData(this.form)].filter(([name]) => /^(?:pick|value):/.test(name));
    try {
      tabStorage()?.setItem(this.#place, JSON.stringify(named));
    } catch {
      // Then a reload begins anew.
    }
  }

  /** @param {HTMLFieldSetElement} box */
  #read(box) {
    const chosen = box.querySelector("input:checked");
    if (chosen instanceof HTMLInputElement) this.picks.pick(box.dataset.path ?? "", /** @type {Side} */ (chosen.value));
  }

  // -- choosing -------------------------------------------------------------------------------------------------

  get #box() {
    return /** @type {HTMLFieldSetElement | undefined} */ (this.boxes[this.picks.at]);
  }

  /** @param {number} by */
  #go(by) {
    this.picks.go(by);
    this.#focus();
  }

  #focus() {
    const box = this.#box;
    const radio = box?.querySelector("input:checked") ?? box?.querySelector("input[type=radio]");
    if (radio instanceof HTMLElement) radio.focus({ preventScroll: true });
    box?.scrollIntoView({ block: "center", behavior: "smooth" });
    this.#show();
  }

  /** @param {Side} side */
  #pick(side) {
    const box = this.#box;
    const radio = box?.querySelector(`input[value="${side}"]`);
    if (!box || !(radio instanceof HTMLInputElement)) return;
    radio.checked = true;
    this.#read(box);
    this.#keep();
    if (side === "value") {
      const area = find(box, "textarea", HTMLTextAreaElement);
      area.focus();
      area.select();
    } else if (this.picks.goOn()) this.#focus();
    else this.settle?.focus();
    this.#tell();
  }

  /** @param {Event} event */
  #changed(event) {
    const box = event.target instanceof Element ? event.target.closest("fieldset") : null;
    if (box) this.#read(box);
    this.#keep();
    this.#tell();
  }

  /** Whoever writes a value chooses it. @param {Event} event */
  #typed(event) {
    if (!(event.target instanceof HTMLTextAreaElement)) return;
    const box = /** @type {HTMLFieldSetElement} */ (event.target.closest("fieldset"));
    find(box, "input[value=value]", HTMLInputElement).checked = true;
    this.#read(box);
    this.#check(box);
    this.#keep();
    this.#tell();
  }

  /** Out of a text that is being written: back to the choices, or done. @param {KeyboardEvent} event */
  #key(event) {
    if (!(event.target instanceof HTMLTextAreaElement)) return;
    if (event.key === "Escape") this.#focus();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.settle?.click();
    else return;
    event.preventDefault();
  }

  /** Whether the value is JSON. @param {HTMLFieldSetElement} box */
  #check(box) {
    const area = find(box, "textarea", HTMLTextAreaElement);
    const { fault } = linesOf(area.value);
    area.setAttribute("aria-invalid", String(fault !== null));
    text(find(box, "[data-fault]"), fault ? fill(gettext("This is not JSON from line %(line)s, column %(column)s on."), fault) : "");
    return fault === null;
  }

  /** @param {Event} event */
  #here(event) {
    const at = this.boxes.findIndex((box) => event.target instanceof Node && box.contains(event.target));
    if (at >= 0) this.picks.at = at;
    this.#show();
  }

  #show() {
    for (const [at, box] of this.boxes.entries()) box.classList.toggle("is-here", at === this.picks.at);
  }

  #tell() {
    const left = this.picks.open.length;
    const words = left ? fill(ngettext("%(n)s path is still open", "%(n)s paths are still open", left), { n: left }) : gettext("Every path is chosen");
    text(ref(this, "open"), words);
    // It can be pressed all the same, and then says why not.
    this.settle?.setAttribute("aria-disabled", String(left > 0));
    if (left) this.settle?.setAttribute("aria-describedby", "settle-why");
    else text(ref(this, "why"), "");
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    if (this.#sending) return;
    const button = event.submitter;
    const wrong = this.boxes.find((box) => this.picks.picked.get(box.dataset.path ?? "") === "value" && !this.#check(box));
    const settles = button instanceof HTMLButtonElement && button.value === "picks";
    if (!wrong && !(settles && this.picks.open.length)) {
      this.#sending = true;
      if (settles) tabStorage()?.removeItem(this.#place);
      return;
    }
    event.preventDefault();
    const open = this.boxes.findIndex((box) => box === wrong || !this.picks.picked.has(box.dataset.path ?? ""));
    text(ref(this, "why"), wrong ? gettext("A value is not JSON.") : gettext("Choose for every path first."));
    this.picks.at = Math.max(0, open);
    this.#focus();
  }

  // -- the others -----------------------------------------------------------------------------------------------

  /** Somebody may have settled it meanwhile: then there is nothing to choose any more. */
  #stands() {
    const standing = document.getElementById("conflict-standing");
    if (standing?.dataset.settles !== "0" || !this.settle) return;
    for (const box of this.boxes) box.disabled = true;
    for (const button of this.querySelectorAll("button")) {
      button.disabled = true;
      button.title = gettext("This conflict is no longer open.");
    }
    for (const other of document.querySelectorAll("main form:not(#settle) button")) if (other instanceof HTMLButtonElement) other.disabled = true;
    text(ref(this, "open"), gettext("This conflict is no longer open."));
    this.settle = undefined;
    this.forget();
    // What says how it is done, and how it stood, no longer holds.
    show(find(this, ".conflict-help .hint"), false);
    const marks = document.querySelector(".state-head-marks");
    if (marks instanceof HTMLElement) show(marks, false);
  }
}

customElements.define("conflict-desk", ConflictDesk);
