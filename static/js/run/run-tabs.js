/**
 * <run-tabs>: the tabs over the run's views. One view is open at a time; where the page is wide the log stands
 * beside it and has no tab. Left and right go through the tabs (the tabs pattern of WAI-ARIA, automatic activation).
 *
 * @import { About, View } from "../types.d.ts"
 * @import { FieldName, Focus, ViewName } from "./focus.js"
 */

import { find, show } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { VIEWS, openView } from "./focus.js";

/** From here on the log stands beside the other views; as in layout.css. */
const WIDE = "(width >= 75rem)";
/** @type {Record<ViewName, string>} */
const NAMES = {
  story: gettext("Story"),
  timeline: gettext("Timeline"),
  graph: gettext("Graph"),
  log: gettext("Log"),
  report: gettext("Report"),
};
/** What one does in a view that says: I am reading this. */
const READING = ["wheel", "touchmove", "pointerdown", "keydown"];

class RunTabs extends HTMLElement {
  /** Given by <stars-run>. @type {About | null} */
  about = null;
  /** Given by <stars-run>. @type {Focus | null} */
  viewing = null;
  /** @type {ViewName | null} */
  open = null;
  /** @type {HTMLElement[]} */
  tabs = [...this.querySelectorAll("[role=tab]")].filter((tab) => tab instanceof HTMLElement);
  wide = matchMedia(WIDE);
  forget = () => {};
  /** Whether there is a report; null: nobody has said so yet. @type {boolean | null} */
  saysReported = null;
  result = "";
  canRead = false;
  isReading = false;
  /** The report came while one looked at something else. */
  isNews = false;

  connectedCallback() {
    this.wide.addEventListener("change", this);
    const read = () => {
      this.isReading ||= !this.reported;
    };
    for (const name of READING) this.parentElement?.addEventListener(name, read, { passive: true });
    this.addEventListener("click", (event) => {
      const tab = this.tabs.find((one) => one.contains(/** @type {Node} */ (event.target)));
      if (tab) this.#choose(tab);
    });
    this.addEventListener("keydown", (event) => this.#key(event));
    const section = gettext("Run");
    this.forget = keys.add(
      ...VIEWS.map((view, index) => ({ section, keys: String(index + 1), text: NAMES[view], run: () => this.#open(view) })),
      { section, keys: "escape", text: gettext("Look at nothing in particular"), run: () => this.viewing?.pick(), when: () => this.isLooking },
    );
  }

  disconnectedCallback() {
    this.forget();
    this.wide.removeEventListener("change", this);
  }

  /** Whether something is in focus. */
  get isLooking() {
    const { subtask, agent, seq } = this.viewing ?? {};
    return Boolean(subtask || agent || seq);
  }

  /** The window became wide or narrow. */
  handleEvent() {
    if (this.viewing) this.follow(this.viewing);
  }

  /** Whether there is a report; before the log is there, the server's word counts. */
  get reported() {
    return this.saysReported ?? Boolean(this.about?.reported);
  }

  /** @param {View} view @param {View | null} _before @param {{ caughtUp: boolean, at: number | null }} store */
  draw(view, _before, store) {
    if (!view.last_seq || !store.caughtUp) return;
    const before = this.reported;
    if (view.result !== this.result) {
      this.result = view.result;
      // Of a run from an older file nobody renders the Markdown: there the story is the better beginning.
      this.canRead = Boolean(view.result && (this.about?.urls.result || this.about?.rendered?.(view.result)));
    }
    this.saysReported = this.canRead;
    if (this.saysReported === before) return;
    if (before) this.isReading = false;
    this.isNews = !before && store.at === null;
    if (this.viewing) this.follow(this.viewing);
  }

  /** @param {Focus} focus @param {ReadonlySet<FieldName>} [changed] - none: the window did */
  follow(focus, changed) {
    const beside = this.wide.matches;
    const open = openView(beside && focus.view === "log" ? "" : focus.view, this);
    if (changed && !changed.has("view") && open === this.open && !this.isNews) return;
    this.open = open;
    if (open === "report") this.isNews = false;
    for (const tab of this.tabs) {
      const { view } = tab.dataset;
      const chosen = view === open;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (view === "report") tab.classList.toggle("has-news", this.isNews);
      show(tab, !(beside && view === "log"));
      const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      if (panel) show(panel, chosen || (beside && view === "log"));
    }
    this.dispatchEvent(new CustomEvent("run:opened", { bubbles: true }));
  }

  /** By its key; the log that stands beside is gone to. @param {ViewName} view */
  #open(view) {
    this.viewing?.set({ view });
    if (view === "log" && this.wide.matches) find(document, "run-log [data-ref=scroll]", HTMLElement).focus();
  }

  /** @param {HTMLElement} tab */
  #choose(tab) {
    this.viewing?.set({ view: /** @type {ViewName} */ (tab.dataset.view) });
    tab.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const tabs = this.tabs.filter((tab) => !tab.hidden);
    const here = tabs.findIndex((tab) => tab === document.activeElement);
    const steps = new Map([
      ["ArrowRight", here + 1],
      ["ArrowLeft", here - 1 + tabs.length],
      ["Home", 0],
      ["End", tabs.length - 1],
    ]);
    const step = steps.get(event.key);
    const next = step === undefined ? null : tabs[step % tabs.length];
    if (here < 0 || !next) return;
    event.preventDefault();
    this.#choose(next);
  }
}

customElements.define("run-tabs", RunTabs);
