/**
 * <command-palette>: the dialog on Ctrl/⌘ K and `/` that goes anywhere, does what can be done here, and finds what the
 * server knows. Its links, which stand in the page, are where one can go; those with `data-keys` have shortcuts.
 */

import { find, h } from "../lib/dom.js";
import { gettext, ngettext, fill, textsOf } from "../lib/i18n.js";
import { get } from "../lib/http.js";
import { keys } from "../lib/keys.js";

/** @typedef {import("../palette/options.js").Option} Option */
/** @typedef {import("../palette/options.js").Section} Section */

/** What it can do; fetched when it is first opened. @type {typeof import("../palette/all.js")} */
let can;
/** Milliseconds after the last letter until the server is asked. */
const PAUSE = 140;
const EVERYWHERE = gettext("Everywhere");

class CommandPalette extends HTMLElement {
  /** @type {Option[]} */
  #here = [];
  /** @type {Option[]} */
  #commands = [];
  /** @type {Option[]} */
  #starts = [];
  /** @type {Section[]} */
  #found = [];
  /** @type {Option[]} */
  #options = [];
  #at = 0;
  /** The number of the last question: answers to earlier ones come too late. */
  #asked = 0;
  #timer = 0;

  connectedCallback() {
    const links = [...this.querySelectorAll("a[data-keys]")];
    this.forget = keys.add(
      { section: EVERYWHERE, keys: ["mod+k", "/"], text: gettext("Search and commands"), run: () => this.open() },
      ...links.map((link) => ({
        section: EVERYWHERE,
        keys: link.getAttribute("data-keys") ?? "",
        text: link.textContent?.trim() ?? "",
        run: () => location.assign(link.getAttribute("href") ?? ""),
      })),
      // On a group's page what is new is a run.
      { section: gettext("On this page"), keys: "n", text: gettext("Give the group a task"), run: () => taskBox()?.focus(), when: () => taskBox() !== null },
    );
    document.addEventListener("click", this);
    arrive();
  }

  disconnectedCallback() {
    this.forget?.();
    document.removeEventListener("click", this);
    this.dialog?.close();
  }

  /** Links to the search page open the palette in its place. @param {MouseEvent} event */
  handleEvent(event) {
    const link = event.target instanceof Element ? event.target.closest("[data-opens=palette]") : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.open();
  }

  async open() {
    if (this.dialog?.open) return;
    const dialog = this.dialog ?? this.#build();
    find(dialog, "input", HTMLInputElement).value = "";
    // At once, so that what is typed next is written here and does nothing to the page.
    dialog.showModal();
    try {
      await textsOf("palette/all.js");
      can ??= await import("../palette/all.js");
    } catch {
      location.assign(this.dataset.page ?? "/"); // the server may be back, and searches as well
      return;
    }
    this.#here = can.here(EVERYWHERE);
    this.#commands = can.commands(find(this, "nav"));
    this.#found = [];
    this.#ask();
    void this.#learnGroups();
  }

  #build() {
    const input = h("input", {
      type: "text", inputMode: "search", enterKeyHint: "go", class: "palette-input", role: "combobox", autocomplete: "off", spellcheck: false, maxLength: 200,
      placeholder: gettext("Search, or do something…"), "aria-label": gettext("Search and commands"),
      "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list",
      oninput: () => this.#ask(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#press(event),
    });
    const list = h("div", {
      id: "palette-list", class: "palette-list", role: "listbox", "aria-label": gettext("Results"),
      onclick: (/** @type {MouseEvent} */ event) => this.#click(event),
      onpointermove: (/** @type {PointerEvent} */ event) => this.#point(event),
    });
    const dialog = h(
      "dialog",
      { class: "dialog palette", "aria-label": gettext("Search and commands"), onclick: (/** @type {MouseEvent} */ event) => {
        if (event.target === event.currentTarget) this.dialog?.close();
      } },
      h("div", { class: "palette-box" }, input, h("p", { class: "palette-note", role: "status" }), list,
        h("p", { class: "palette-foot", "aria-hidden": "true" },
          ...[["↑↓", gettext("choose")], ["↵", gettext("go")], ["Esc", gettext("close")], ["?", gettext("all shortcuts")]].map(
            ([cap, word]) => h("span", {}, h("kbd", {}, cap), word),
          ))),
    );
    this.append(dialog);
    this.dialog = dialog;
    return dialog;
  }

  /** The groups that tasks can be given to; asked once, when it is first wanted. */
  async #learnGroups() {
    if (this.#starts.length) return;
    try {
      const answer = await get(`${this.dataset.groups}?limit=100`);
      this.#starts = can.starts(answer.results);
      this.#draw();
    } catch {
      // The commands are offered the next time.
    }
  }

  get #query() {
    return this.dialog ? find(this.dialog, "input", HTMLInputElement).value : "";
  }

  #ask() {
    if (!can) return;
    clearTimeout(this.#timer);
    this.#at = 0;
    const number = ++this.#asked;
    const query = this.#query.trim();
    if (!query) {
      this.#found = [];
      this.#note("");
    } else this.#timer = window.setTimeout(() => this.#search(query, number), PAUSE);
    this.#draw();
  }

  /**
   * @param {string} query
   * @param {number} number
   */
  async #search(query, number) {
    this.dialog?.toggleAttribute("data-busy", true);
    let note = "";
    let found = /** @type {Section[]} */ ([]);
    try {
      found = can.hits(query, await get(`${this.dataset.search}?q=${encodeURIComponent(query)}`));
      const count = found.reduce((sum, { options }) => sum + options.length, 0);
      note = count
        ? fill(ngettext("%(n)s found", "%(n)s found", count), { n: count })
        : fill(gettext("Nothing found for “%(query)s”."), { query });
    } catch (error) {
      note = error instanceof Error ? error.message : "";
    }
    if (number !== this.#asked) return;
    this.dialog?.toggleAttribute("data-busy", false);
    // What one has chosen meanwhile stays chosen, though more comes in.
    const chosen = this.#options[this.#at]?.title;
    this.#found = found;
    this.#draw();
    const again = this.#at > 0 ? this.#options.findIndex(({ title }) => title === chosen) : 0;
    this.#choose(Math.max(0, again));
    this.#note(note);
  }

  /** @param {string} words */
  #note(words) {
    if (this.dialog) find(this.dialog, ".palette-note").textContent = words;
  }

  #draw() {
    if (!this.dialog || !can) return;
    const all = can.sections(this.#query, {
      here: this.#here,
      commands: [...this.#commands, ...this.#starts],
      recent: this.#recent,
      found: this.#found,
      searchUrl: this.dataset.page ?? "",
    });
    this.#options = all.flatMap(({ options }) => options);
    find(this.dialog, ".palette-list").replaceChildren(...can.drawn(all));
    this.#choose(Math.min(this.#at, this.#options.length - 1));
  }

  /** @param {number} at */
  #choose(at) {
    if (!this.dialog) return;
    this.#at = Math.max(0, at);
    const input = find(this.dialog, "input");
    for (const each of this.dialog.querySelectorAll("[role=option]")) {
      const chosen = Number(each.getAttribute("data-number")) === this.#at;
      each.setAttribute("aria-selected", String(chosen));
      if (!chosen) continue;
      input.setAttribute("aria-activedescendant", each.id);
      each.scrollIntoView({ block: "nearest" });
    }
    if (!this.#options.length) input.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const onK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    if (by) this.#choose(can.moved(this.#at, by, this.#options.length));
    else if (event.key === "Enter") this.#go(this.#options[this.#at], event.ctrlKey || event.metaKey);
    else if (onK) this.dialog?.close();
    else if (event.key === "?" && !this.#query) {
      this.dialog?.close();
      document.dispatchEvent(new CustomEvent("stars:legend"));
    } else return;
    event.preventDefault();
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const option = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    if (option) this.#go(this.#options[Number(option.getAttribute("data-number"))], event.ctrlKey || event.metaKey);
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const option = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    const number = Number(option?.getAttribute("data-number") ?? this.#at);
    // Only a pointer that moves chooses, not one under which the list has changed.
    if ((event.movementX || event.movementY) && number !== this.#at) this.#choose(number);
  }

  /**
   * @param {Option | undefined} option
   * @param {boolean} apart in a new tab
   */
  #go(option, apart) {
    if (!option) return;
    this.#recent = can.remembering(this.#recent, option);
    this.dialog?.close();
    if (option.run) option.run();
    else if (option.url && apart) window.open(option.url, "_blank", "noopener");
    else if (option.url) {
      location.assign(option.url);
      arrive();
    }
  }

  /** What was used lately, by this person in this browser. @returns {Option[]} */
  get #recent() {
    try {
      return JSON.parse(localStorage.getItem(`stars:recent:${this.dataset.user}`) ?? "[]");
    } catch {
      return [];
    }
  }

  set #recent(recent) {
    try {
      localStorage.setItem(`stars:recent:${this.dataset.user}`, JSON.stringify(recent));
    } catch {
      // Storage may be forbidden; then nothing is remembered.
    }
  }
}

/** Whoever comes to give a task can write it at once. */
function arrive() {
  if (location.hash === "#run-box") taskBox()?.focus();
}

/** Where the group's task is written, if this is a group's page. @returns {HTMLElement | null} */
function taskBox() {
  return document.querySelector("#run-box textarea");
}

customElements.define("command-palette", CommandPalette);
