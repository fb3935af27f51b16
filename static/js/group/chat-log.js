/**
 * <chat-log src>: a group's messages. New ones are added and marks of delivery renewed as they come; what is shown
 * already, older pages and the place one reads at stay.
 */

import { fragment } from "../lib/http.js";

class ChatLog extends HTMLElement {
  #asking = false;
  #again = false;
  #look = () => this.#renew();

  connectedCallback() {
    for (const poke of ["stars:poke:messages", "stars:resync"]) document.body.addEventListener(poke, this.#look);
  }

  disconnectedCallback() {
    for (const poke of ["stars:poke:messages", "stars:resync"]) document.body.removeEventListener(poke, this.#look);
  }

  async #renew() {
    this.#again = this.#asking;
    if (this.#asking) return;
    this.#asking = true;
    try {
      const fresh = document.createElement("template");
      fresh.innerHTML = await fragment(this.getAttribute("src") ?? "");
      this.#merge(fresh.content);
    } catch {
      // The next poke, or the connection's return, asks again.
    }
    this.#asking = false;
    if (this.#again) this.#renew();
  }

  /** @param {DocumentFragment} fresh */
  #merge(fresh) {
    const page = this.querySelector(".chat-page");
    if (!page) return;
    const messages = [...fresh.querySelectorAll("article")];
    const known = messages.some(({ id }) => document.getElementById(id));
    // So many came at once that some are missing between: begin anew, where one reads the newest anyway.
    if (!known) {
      const all = fresh.querySelector(".chat-page");
      if (messages.length && all) this.replaceChildren(all);
    } else for (const message of messages) this.#place(page, message);
    window.htmx?.process(this);
  }

  /** @type {(page: Element, message: HTMLElement) => void} */
  #place(page, message) {
    const shown = document.getElementById(message.id);
    if (!shown) page.append(message);
    else if (shown.dataset.mark !== message.dataset.mark && !shown.contains(document.activeElement)) shown.replaceWith(message);
  }
}

customElements.define("chat-log", ChatLog);
