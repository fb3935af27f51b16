/**
 * <mention-box>: a textarea in which @ offers whom one could mean: agents, roles, tags, everybody. A combobox with a
 * listbox (WAI-ARIA 1.2): arrows choose, Enter or Tab takes, Escape closes. With `submits`, Ctrl+Enter sends the form.
 */

import { avatar } from "../lib/avatars.js";
import { find, h, icon } from "../lib/dom.js";
import { fill, gettext, ngettext } from "../lib/i18n.js";
import { facts } from "./facts.js";
import { choices, completed, queryAt } from "./mentions.js";

/** @import { Choice, Query } from "./mentions.js" */

let number = 0;

class MentionBox extends HTMLElement {
  /** @type {Choice[]} */
  #offered = [];
  /** @type {Query | null} */
  #query = null;
  #at = 0;
  /** What was written when the list was closed by hand: it stays closed for that. */
  #closedAt = -1;

  connectedCallback() {
    if (this.box) return;
    number += 1;
    this.box = find(this, "textarea", HTMLTextAreaElement);
    this.list = h("ul", { class: "mentions", id: `mentions-${number}`, role: "listbox", "aria-label": gettext("Whom to mention"), hidden: true });
    this.append(this.list);
    const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id, "aria-haspopup": "listbox" };
    for (const [name, value] of Object.entries(attributes)) this.box.setAttribute(name, value);
    this.box.addEventListener("input", (event) => this.#look(/** @type {InputEvent} */ (event)));
    this.box.addEventListener("compositionend", () => this.#look());
    this.box.addEventListener("click", () => this.#look());
    this.box.addEventListener("blur", () => this.#close());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    // The field keeps the focus while something is chosen with the mouse.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const item = /** @type {Element} */ (event.target).closest("[role=option]");
      if (item) this.#take([...(this.list?.children ?? [])].indexOf(item));
    });
  }

  /** Text that an input method has not settled yet is not looked at. @param {InputEvent} [event] */
  #look(event) {
    if (!this.box || event?.isComposing || this.box.selectionStart !== this.box.selectionEnd) return this.#close();
    this.#query = queryAt(this.box.value, this.box.selectionStart);
    const members = [...(facts.sky?.members.values() ?? [])];
    this.#offered = this.#query ? choices(this.#query.text, members) : [];
    if (!this.#query || !this.#offered.length || this.#query.start === this.#closedAt) return this.#close();
    this.#at = 0;
    this.#draw();
  }

  #draw() {
    this.list?.replaceChildren(...this.#offered.map((choice, index) => this.#option(choice, index)));
    if (this.list) this.list.hidden = false;
    this.box?.setAttribute("aria-expanded", "true");
    this.#mark();
  }

  /** @type {(choice: Choice, index: number) => HTMLElement} */
  #option({ value, kind, about, count }, index) {
    const told = kind === "agent" ? about : fill(ngettext("%(n)s member", "%(n)s members", count), { n: count });
    return h(
      "li",
      { class: "mention", role: "option", id: `${this.list?.id}-${index}`, "aria-selected": "false" },
      kind === "agent" ? avatar(value) : h("span", { class: "mention-kind", "aria-hidden": "true" }, kind === "tag" ? "#" : icon(kind === "all" ? "star" : "person")),
      h("span", { class: "mention-name" }, `@${value}`),
      h("span", { class: "muted" }, told),
    );
  }

  #mark() {
    for (const [index, item] of [...(this.list?.children ?? [])].entries()) {
      item.setAttribute("aria-selected", String(index === this.#at));
      if (index === this.#at) item.scrollIntoView({ block: "nearest" });
    }
    this.box?.setAttribute("aria-activedescendant", `${this.list?.id}-${this.#at}`);
  }

  #close() {
    if (this.list) this.list.hidden = true;
    this.box?.setAttribute("aria-expanded", "false");
    this.box?.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && this.hasAttribute("submits")) {
      event.preventDefault();
      this.closest("form")?.requestSubmit();
      return;
    }
    if (this.list?.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const count = this.#offered.length;
    if (event.key === "ArrowDown") this.#at = (this.#at + 1) % count;
    else if (event.key === "ArrowUp") this.#at = (this.#at + count - 1) % count;
    else if (event.key === "Escape") {
      this.#closedAt = this.#query?.start ?? -1;
      this.#close();
    } else if (event.key === "Enter" || event.key === "Tab") this.#take(this.#at);
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.list?.hidden) this.#mark();
  }

  /** @param {number} index */
  #take(index) {
    const choice = this.#offered[index];
    if (!choice || !this.#query || !this.box) return;
    const { text, caret } = completed(this.box.value, this.#query, choice);
    const end = this.box.value.length;
    // As if it had been typed, so that it can be undone; where that is not known, the value is set.
    this.box.setSelectionRange(0, end);
    if (!document.execCommand?.("insertText", false, text)) this.box.value = text;
    this.box.setSelectionRange(caret, caret);
    this.#close();
  }
}

customElements.define("mention-box", MentionBox);
