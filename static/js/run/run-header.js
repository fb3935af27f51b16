/** <run-header>: status, elapsed time, facts, and the buttons that steer the run; a button that cannot be used says why. */

import { h, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { post } from "../lib/http.js";
import { notify } from "../lib/notices.js";
import { clock, duration, now } from "../lib/time.js";
import { drawRunBadge } from "./badge.js";
import { runEnded, subtaskEnded } from "./reducer.js";
import { RUN_WORDS, firstLine, spentWords } from "./words.js";

const LOOK_ONLY = gettext("Your access to this group lets you look, not steer.");

/** For each button: null = not shown, "" = usable, else why it is not. */
export function offers(view, canSteer) {
  const { status } = view;
  const ended = runEnded(status);
  const loose = Object.values(view.subtasks).some((s) => subtaskEnded(s.status) && s.status !== "completed");
  const offer = {
    pause: ["queued", "planning", "running", "summarising"].includes(status) ? "" : null,
    resume: status === "paused" ? "" : null,
    cancel: ended ? null : "",
    retry: null,
    again: ended ? "" : null,
  };
  if (status === "awaiting_approval") offer.pause = gettext("The run already stands still until its plan is approved.");
  if (status === "failed" || (status === "completed" && loose)) offer.retry = "";
  if (!canSteer) {
    for (const name of Object.keys(offer)) if (offer[name] === "") offer[name] = LOOK_ONLY;
  }
  return offer;
}

class RunHeader extends HTMLElement {
  connectedCallback() {
    this.badge = this.querySelector(".badge");
    this.elapsed = this.querySelector("[data-ref=elapsed]");
    this.note = this.querySelector("[data-ref=note]");
    this.usage = this.querySelector("[data-ref=usage]");
    this.buttons = [...this.querySelectorAll("[data-action]")];
    this.addEventListener("click", (event) => {
      const button = event.target.closest("[data-action]");
      if (button) this.#act(button, event);
    });
  }

  draw(view) {
    if (!view.last_seq) return;
    drawRunBadge(this.badge, view.status);
    document.title = `${RUN_WORDS[view.status]} · ${document.body.dataset.title}`;
    const offer = offers(view, this.about.can_steer);
    for (const button of this.buttons) {
      const why = offer[button.dataset.action];
      button.hidden = why === null;
      button.title = why ?? "";
      button.setAttribute("aria-disabled", why ? "true" : "false");
    }
    this.#note(view);
    this.#usage(view);
    this.tick(view, now());
  }

  tick(view, at) {
    const from = Date.parse(view.queuedAt ?? view.startedAt);
    if (Number.isNaN(from)) return;
    const spent = (view.endedAt ? Date.parse(view.endedAt) : at) - from;
    text(this.elapsed, view.endedAt ? duration(spent) : clock(spent));
  }

  #note(view) {
    let words = "";
    if (view.status === "paused") {
      words = view.paused?.by
        ? fill(gettext("Paused by %(who)s: subtasks under way finish, no new one starts."), { who: view.paused.by })
        : gettext("Paused: subtasks under way finish, no new one starts.");
    } else if (view.status === "cancelled") {
      const { by, reason } = view.cancelled ?? {};
      words = by ? fill(gettext("Cancelled by %(who)s."), { who: by }) : "";
      if (reason) words += ` ${reason}`;
    } else if (view.status === "failed") words = view.error;
    const asking = runEnded(view.status) ? null : Object.values(view.subtasks).find((s) => s.status === "waiting");
    const key = asking ? `${words}|${asking.id}|${asking.question}` : words;
    if (key === this.noted) return;
    this.noted = key;
    this.note.hidden = !key;
    this.note.dataset.status = asking ? "waiting" : view.status;
    this.note.replaceChildren(words);
    if (!asking) return;
    const link = h("a", { href: `#subtask-${asking.id}` }, gettext("Answer"));
    const asks = fill(gettext("%(who)s asks: %(question)s"), { who: asking.agentId, question: firstLine(asking.question).replace(/[:：]$/, "") });
    this.note.append(words ? " " : "", asks, " ", link);
  }

  /** Tokens and cost of the whole run; more about each agent on demand. */
  #usage({ usage, spent }) {
    if (spent === this.spent) return;
    this.spent = spent;
    const agents = Object.entries(spent);
    const sum = { tokens: 0, cost: 0, calls: 0, unpriced: 0 };
    for (const [, one] of agents) for (const name of Object.keys(sum)) sum[name] += one[name];
    this.usage.closest("div").hidden = !agents.length;
    const number = (n) => (n ?? 0).toLocaleString();
    const values = { in: number(usage.input_tokens), out: number(usage.output_tokens) };
    const parts = fill(gettext("%(in)s in, %(out)s out"), values);
    const lines = agents.map(([id, one]) => h("li", {}, `${id}: ${spentWords(one)}`));
    const open = Boolean(this.usage.querySelector("details[open]"));
    const details = h("details", { class: "spent", open }, h("summary", { title: parts }, spentWords(sum)), h("ul", {}, lines));
    this.usage.replaceChildren(details);
  }

  async #act(button, event) {
    if (button.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      notify(button.title);
      return;
    }
    const url = this.about.urls[button.dataset.action];
    if (!url || button.tagName === "A") return;
    button.disabled = true;
    try {
      await post(url);
    } catch (refused) {
      notify(refused.message, "error");
    } finally {
      button.disabled = false;
    }
  }
}

customElements.define("run-header", RunHeader);
