/**
 * <section-tabs label>: on a phone shows one of its sections (`[data-tab]`, in the order of `data-order`) at a time, with a
 * row of tabs above; on wider pages all of them. Which one is open stands in the address, so that links lead to it.
 */

import { h } from "../lib/dom.js";

const PHONE = matchMedia("(width < 62rem)");

class SectionTabs extends HTMLElement {
  connectedCallback() {
    if (this.row) return;
    const parts = /** @type {HTMLElement[]} */ ([...this.querySelectorAll("[data-tab]")]);
    this.parts = parts.toSorted((one, other) => Number(one.dataset.order) - Number(other.dataset.order));
    this.row = h("div", { class: "section-tabs-row", role: "tablist", "aria-label": this.getAttribute("label") ?? "" });
    for (const part of this.parts) {
      this.row.append(
        h("button", { type: "button", role: "tab", id: `tab-${part.id}`, "aria-controls": part.id, onclick: () => this.open(part.id) }, part.dataset.tab ?? ""),
      );
    }
    this.prepend(this.row);
    this.row.addEventListener("keydown", (event) => this.#key(event));
    PHONE.addEventListener("change", () => this.#draw());
    addEventListener("hashchange", () => this.#fromAddress());
    document.addEventListener("stars:write-to", () => this.open("part-talk"));
    this.now = this.parts[0]?.id ?? "";
    this.#fromAddress();
  }

  #fromAddress() {
    const id = location.hash.slice(1);
    if (this.parts?.some((part) => part.id === id)) this.now = id;
    this.#draw();
  }

  /** @param {string} id */
  open(id) {
    if (!PHONE.matches) return;
    this.now = id;
    history.replaceState(null, "", `#${id}`);
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const parts = this.parts ?? [];
    if (!step) return;
    const at = parts.findIndex(({ id }) => id === this.now);
    this.open(parts[(at + step + parts.length) % parts.length]?.id ?? "");
    document.getElementById(`tab-${this.now}`)?.focus();
    event.preventDefault();
  }

  #draw() {
    const phone = PHONE.matches;
    if (this.row) this.row.hidden = !phone;
    for (const part of this.parts ?? []) {
      const open = part.id === this.now;
      part.hidden = phone && !open;
      if (phone) part.setAttribute("role", "tabpanel");
      else part.removeAttribute("role");
      const tab = document.getElementById(`tab-${part.id}`);
      tab?.setAttribute("aria-selected", String(open));
      tab?.setAttribute("tabindex", open ? "0" : "-1");
    }
  }
}

customElements.define("section-tabs", SectionTabs);
