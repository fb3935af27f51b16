/**
 * <list-keys section>: a list whose rows are walked with j and k. The rows' links have the focus, so that Enter opens
 * one; a row that is drawn anew keeps it.
 */

import { gettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";

/** What leads on from a row; the mark that names the row stands on it. */
const LINKS = "a[data-row]";

class ListKeys extends HTMLElement {
  forget = () => {};
  #last = "";
  #focused = (/** @type {Event} */ event) => {
    const link = event.target instanceof Element ? event.target.closest(LINKS) : null;
    if (link) this.#last = link.getAttribute("data-row") ?? "";
  };
  #swap = () => {
    this.held = this.contains(document.activeElement) && document.activeElement?.matches(LINKS);
  };
  #swapped = () => {
    if (this.held) this.#links.find((link) => link.getAttribute("data-row") === this.#last)?.focus({ preventScroll: true });
    this.held = false;
  };
  held = /** @type {boolean | undefined} */ (false);

  connectedCallback() {
    const section = this.getAttribute("section") ?? gettext("List");
    this.addEventListener("focusin", this.#focused);
    this.addEventListener("htmx:beforeSwap", this.#swap);
    this.addEventListener("htmx:afterSwap", this.#swapped);
    this.forget = keys.add(
      { section, keys: "j", text: gettext("Next row"), run: () => this.#go(1) },
      { section, keys: "k", text: gettext("Previous row"), run: () => this.#go(-1) },
      { section, keys: "f", text: gettext("Filter"), run: () => this.#filter?.focus(), when: () => Boolean(this.#filter) },
    );
  }

  disconnectedCallback() {
    this.forget();
  }

  get #links() {
    return /** @type {HTMLElement[]} */ ([...this.querySelectorAll(LINKS)]);
  }

  get #filter() {
    return /** @type {HTMLElement | null} */ (document.querySelector("main form[role=search] input:not([type=hidden])"));
  }

  /** @param {number} by */
  #go(by) {
    const links = this.#links;
    const at = links.findIndex((link) => link.getAttribute("data-row") === this.#last);
    const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.max(0, Math.min(links.length - 1, at + by));
    links[next]?.focus();
    links[next]?.closest("li")?.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("list-keys", ListKeys);
