/**
 * <run-header>: status, elapsed time, facts, what one should know first, and the buttons that steer the run; a button
 * that cannot be used says why.
 *
 * @import { About, Spent, Subtask, View } from "../types.d.ts"
 */

import "./run-life.js";
import { around, find, h, ref, text } from "../lib/dom.js";
import { asRefused, post } from "../lib/http.js";
import { fill, gettext } from "../lib/i18n.js";
import { notify } from "../lib/notices.js";
import { clock, duration, now, number } from "../lib/time.js";
import { drawRunBadge } from "./badge.js";
import { offers } from "./offers.js";
import { runEnded } from "./reducer.js";
import { alerts, stopWords, timesWords } from "./standing.js";
import { RUN_WORDS, costWords, firstLine, spentWords } from "./words.js";

class RunHeader extends HTMLElement {
  /** @type {About} */
  about;
  /** @type {HTMLElement} */
  badge;
  /** @type {HTMLElement} */
  elapsed;
  /** @type {HTMLElement} */
  alerts;
  /** @type {HTMLElement} */
  stop;
  /** @type {HTMLElement} */
  tokens;
  /** @type {HTMLElement} */
  cost;
  /** What is asked of the server and not yet told by the log: "cancel", or nothing. */
  asked = "";
  told = "";
  /** @type {View["spent"] | null} */
  spent = null;

  connectedCallback() {
    this.badge = find(this, ".badge");
    this.elapsed = ref(this, "elapsed");
    this.alerts = ref(this, "alerts");
    this.stop = ref(this, "stop");
    this.tokens = ref(this, "tokens");
    this.cost = ref(this, "cost");
    /** @type {HTMLElement[]} */
    this.buttons = [...this.querySelectorAll("[data-action]")].filter((node) => node instanceof HTMLElement);
    this.addEventListener("click", (event) => {
      const button = around(event, "[data-action]");
      if (button instanceof HTMLElement) this.#act(button, event);
    });
    document.addEventListener("click", this);
    this.addEventListener("keydown", this);
  }

  disconnectedCallback() {
    document.removeEventListener("click", this);
  }

  /** The menu of files closes when one is chosen, when something else is clicked, and on Escape. @param {Event} event */
  handleEvent(event) {
    const menu = this.querySelector("details[open].menu");
    if (!(menu instanceof HTMLDetailsElement)) return;
    if (event instanceof KeyboardEvent) {
      if (event.key !== "Escape") return;
      menu.querySelector("summary")?.focus();
    } else if (event.target instanceof Element && event.target.closest("details.menu > summary")) return;
    menu.open = false;
  }

  /** @param {View} view */
  draw(view) {
    if (!view.last_seq) return;
    drawRunBadge(this.badge, view.status);
    document.title = `${RUN_WORDS[view.status]} · ${document.body.dataset.title}`;
    const offer = offers(view, this.about.can_steer);
    for (const button of this.buttons) this.#offer(button, offer[button.dataset.action ?? ""] ?? null);
    if (runEnded(view.status)) this.asked = "";
    this.#alert(view);
    this.#usage(view);
    this.#fact(this.stop, stopWords(view));
    this.tick(view, now());
  }

  /** @param {View} view @param {number} at */
  tick(view, at) {
    const from = Date.parse(view.queuedAt ?? view.startedAt ?? "");
    if (Number.isNaN(from)) return;
    const spent = (view.endedAt ? Date.parse(view.endedAt) : at) - from;
    text(this.elapsed, view.endedAt ? duration(spent) : clock(spent));
    this.elapsed.title = timesWords(view, at);
  }

  /** Show the button as it may be used: `why` is null where it makes no sense, "" where nothing speaks against it. */
  #offer(/** @type {HTMLElement} */ button, /** @type {string | null} */ why) {
    button.hidden = why === null;
    button.title = why ?? "";
    button.setAttribute("aria-disabled", why ? "true" : "false");
    const id = `why-${button.dataset.action}`;
    const reason = this.querySelector(`#${id}`) ?? this.appendChild(h("span", { id, hidden: true }));
    text(reason, why ?? "");
    if (why) button.setAttribute("aria-describedby", id);
    else button.removeAttribute("aria-describedby");
  }

  /** What one should know first, and the question that waits. */
  #alert(/** @type {View} */ view) {
    const told = alerts(view);
    if (this.asked === "cancel") told.unshift({ id: "asked", tone: "waiting", words: gettext("Cancelling was asked for: agents at work are stopped within a second.") });
    const asking = runEnded(view.status) ? undefined : Object.values(view.subtasks).find((each) => each.status === "waiting");
    const key = JSON.stringify([told, asking?.id, asking?.question]);
    if (key === this.told) return;
    this.told = key;
    const notes = told.map(({ tone, words }) => h("p", { class: "run-note", "data-status": tone }, words));
    if (asking) notes.push(question(asking));
    this.alerts.replaceChildren(...notes);
  }

  /** Tokens and cost of the whole run, and of each agent on demand. */
  #usage(/** @type {View} */ { usage, spent }) {
    if (spent === this.spent) return;
    this.spent = spent;
    const agents = Object.entries(spent);
    const sum = together(agents.map(([, one]) => one));
    this.#fact(this.tokens, agents.length ? number(sum.tokens) : "");
    this.tokens.title = fill(gettext("%(in)s in, %(out)s out"), { in: number(usage.input_tokens ?? 0), out: number(usage.output_tokens ?? 0) });
    const words = agents.length ? costWords(sum) : "";
    if (agents.length < 2) {
      this.#fact(this.cost, words);
      return;
    }
    const lines = agents.map(([id, one]) => h("li", {}, `${id}: ${spentWords(one)}`));
    const open = Boolean(this.cost.querySelector("details[open]"));
    this.cost.replaceChildren(h("details", { class: "spent", open }, h("summary", {}, words), h("ul", {}, lines)));
    this.cost.closest("div")?.removeAttribute("hidden");
  }

  /** Show the fact, or nothing of it when there is nothing to say. */
  #fact(/** @type {HTMLElement} */ node, /** @type {string} */ words) {
    text(node, words);
    node.closest("div")?.toggleAttribute("hidden", !words);
  }

  /** @param {HTMLElement} button @param {Event} event */
  async #act(button, event) {
    if (button.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      notify(button.title);
      return;
    }
    const action = button.dataset.action ?? "";
    const url = this.about.urls[action];
    if (!url || !(button instanceof HTMLButtonElement)) return;
    button.disabled = true;
    this.asked = action;
    try {
      await post(url);
    } catch (thrown) {
      this.asked = "";
      notify(asRefused(thrown).message, "error");
    } finally {
      button.disabled = false;
    }
  }
}

/** Who asks what, and the way to answer. @param {Subtask} subtask */
function question(subtask) {
  const values = { who: subtask.agentId ?? "", question: firstLine(subtask.question).replace(/[:：]$/, "") };
  const link = h("a", { href: `#subtask-${subtask.id}` }, gettext("Answer"));
  return h("p", { class: "run-note", "data-status": "waiting" }, fill(gettext("%(who)s asks: %(question)s"), values), " ", link);
}

/** @param {Spent[]} all @returns {Spent} */
function together(all) {
  const sum = { tokens: 0, cost: 0, calls: 0, unpriced: 0 };
  for (const one of all) {
    sum.tokens += one.tokens;
    sum.cost += one.cost;
    sum.calls += one.calls;
    sum.unpriced += one.unpriced;
  }
  return sum;
}

customElements.define("run-header", RunHeader);
