/**
 * <live-part src pokes seconds form>: brings its `[data-content]` up to what the server shows, upon the pokes it names, at
 * most every two seconds, and every so many seconds without. Only what differs is touched: focus, what is being typed
 * and open folds stay.
 *
 * What is empty at first is asked for at once. With `form` (an id within it) the form's fields are part of the
 * question, and of the page's address. A link with `data-more` asks for so many more. When no answer comes it keeps
 * what it shows, and says so (`[data-stale]`, if any).
 */

import { around, find } from "../lib/dom.js";
import { fragment } from "../lib/http.js";
import { morph } from "../lib/morph.js";
import { question } from "../lib/question.js";
import { throttled } from "../sync/pace.js";

const AT_MOST = 2_000;
/** Milliseconds without a key before what was typed is asked for. */
const TYPED = 250;

class LivePart extends HTMLElement {
  /** Numbers each question: an answer that a later one has overtaken is not shown. */
  asked = 0;
  typing = 0;

  connectedCallback() {
    this.renew = throttled(() => this.#renew(), AT_MOST);
    this.names = (this.getAttribute("pokes") ?? "").split(" ").map((what) => `stars:poke:${what}`);
    this.timer = setInterval(() => this.renew?.(), 1000 * Number(this.getAttribute("seconds")));
    for (const name of [...this.names, "stars:resync"]) document.body.addEventListener(name, this);
    document.addEventListener("visibilitychange", this);
    for (const name of ["input", "change", "submit", "click"]) this.addEventListener(name, this);
    if (!find(this, "[data-content]").hasChildNodes()) this.renew();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    clearTimeout(this.typing);
    this.renew?.stop();
    for (const name of [...(this.names ?? []), "stars:resync"]) document.body.removeEventListener(name, this);
    document.removeEventListener("visibilitychange", this);
  }

  /** @param {Event} event */
  handleEvent(event) {
    if (event.type === "click") this.#more(event);
    else if (["input", "change", "submit"].includes(event.type)) this.#wanted(event);
    else this.renew?.();
  }

  /** The fields of its form changed: ask anew, from the first page on. @param {Event} event */
  #wanted(event) {
    const form = this.#form();
    if (!form || !(event.target instanceof Node) || !form.contains(event.target)) return;
    if (event.type === "submit") event.preventDefault();
    this.shown = "";
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.#renew(), event.type === "input" ? TYPED : 0);
  }

  /** @param {Event} event */
  #more(event) {
    const link = around(event, "a[data-more]");
    if (!link || !(event instanceof MouseEvent) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.shown = link.dataset.more;
    this.#renew();
  }

  #form() {
    const form = document.getElementById(this.getAttribute("form") ?? "");
    return form instanceof HTMLFormElement && this.contains(form) ? form : null;
  }

  /** What is asked for: the form's fields, and how many; the page's address says the same. */
  #question() {
    const form = this.#form();
    if (!form) return "";
    const shown = this.shown ?? new URLSearchParams(location.search).get("shown");
    const asked = question(new FormData(form), shown);
    if (asked !== location.search) history.replaceState(history.state, "", asked || location.pathname);
    return asked;
  }

  async #renew() {
    if (document.hidden) return;
    const number = ++this.asked;
    let stale = false;
    try {
      const html = await fragment(`${this.getAttribute("src")}${this.#question()}`);
      if (number !== this.asked || !this.isConnected) return;
      const content = find(this, "[data-content]");
      morph(content, html);
      globalThis.htmx?.process(content);
    } catch {
      stale = true;
    }
    this.querySelector("[data-stale]")?.toggleAttribute("hidden", !stale);
  }
}

customElements.define("live-part", LivePart);
