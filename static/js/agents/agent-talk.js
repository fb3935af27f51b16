/** <agent-talk>: a chat with an agent outside of any run; what was said lives in this page only. */

import { csrfToken } from "../lib/csrf.js";
import { h, ref, show, text } from "../lib/dom.js";
import { post } from "../lib/http.js";
import { gettext } from "../lib/i18n.js";
import { Events } from "./sse.js";
import { cost, earlier, took } from "./turns.js";

/** @typedef {import("./turns.js").Turn} Turn */
/** @typedef {import("./turns.js").End} End */

const BROKEN = gettext("The server did not answer. Check the connection and try again.");
const NOTES = {
  asks: gettext("The agent asks you; answer below."),
  handed_over: gettext("In a run this would now go on with another member."),
  failed: gettext("No answer"),
};

class AgentTalk extends HTMLElement {
  /** @type {Turn[]} */
  turns = [];
  /** @type {AbortController | null} */
  asking = null;

  connectedCallback() {
    this.list = ref(this, "turns");
    this.area = ref(this, "form").querySelector("textarea");
    ref(this, "form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
    this.area?.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
      event.preventDefault();
      void this.#send();
    });
    ref(this, "stop").addEventListener("click", () => this.asking?.abort());
    ref(this, "anew").addEventListener("click", () => this.#anew());
  }

  disconnectedCallback() {
    this.asking?.abort();
  }

  #anew() {
    this.asking?.abort();
    this.turns = [];
    this.list?.replaceChildren();
    text(ref(this, "cost"), "");
    show(ref(this, "anew"), false);
    this.area?.focus();
  }

  async #send() {
    const said = this.area?.value.trim() ?? "";
    if (!said || this.asking || !this.area) return;
    const before = earlier(this.turns);
    /** @type {Turn} */
    const turn = { text: said, answer: "", end: null };
    this.turns.push(turn);
    this.area.value = "";
    const answer = h("div", { class: "agent-talk-answer", "data-busy": true });
    const words = h("div", { class: "agent-talk-words" });
    const facts = h("p", { class: "agent-talk-facts" }, gettext("thinking…"));
    answer.append(words, facts);
    this.list?.append(h("li", { class: "agent-talk-turn" }, h("p", { class: "agent-talk-mine" }, said), answer));
    this.#busy(new AbortController());
    let end;
    try {
      end = await this.#ask(said, before, (piece) => {
        turn.answer += piece;
        text(words, turn.answer);
        text(facts, "");
        this.#follow();
      });
    } catch (error) {
      const why = error instanceof DOMException && error.name === "AbortError" ? gettext("Stopped") : error instanceof Error ? error.message : BROKEN;
      end = { status: "failed", text: why, input_tokens: 0, output_tokens: 0, cost_usd: 0, seconds: 0 };
    }
    this.#busy(null);
    turn.end = end;
    if (end.status !== "failed") turn.answer = end.text;
    this.#ended(answer, words, facts, turn, end);
  }

  /**
   * @param {HTMLElement} answer
   * @param {HTMLElement} words
   * @param {HTMLElement} facts
   * @param {Turn} turn
   * @param {End} end
   */
  #ended(answer, words, facts, turn, end) {
    answer.removeAttribute("data-busy");
    answer.dataset.status = end.status;
    text(words, turn.answer);
    if (end.status !== "failed" && turn.answer) void this.#dress(words, turn.answer);
    const note = NOTES[/** @type {keyof typeof NOTES} */ (end.status)];
    const why = end.status === "failed" ? `${note}: ${end.text}` : note;
    text(facts, [why, end.seconds ? took(end) : ""].filter(Boolean).join(" · "));
    text(ref(this, "cost"), cost(this.turns));
    text(ref(this, "said"), end.status === "failed" ? (why ?? "") : turn.answer.slice(0, 500));
    show(ref(this, "anew"), true);
    this.#follow();
    this.area?.focus();
  }

  /** Show an answer that is whole as the server renders its Markdown; until it does, and if it cannot, as it was written. @param {HTMLElement} words @param {string} answer */
  async #dress(words, answer) {
    try {
      const { html } = /** @type {{ html: string }} */ (await post(this.dataset.answer ?? "", { text: answer }));
      // Our server made it, through the sanitiser.
      words.innerHTML = html;
      words.classList.add("prose");
      this.#follow();
    } catch {
      // What was said stands there.
    }
  }

  /** @param {AbortController | null} asking */
  #busy(asking) {
    this.asking = asking;
    show(ref(this, "stop"), Boolean(asking));
    const send = ref(this, "send", HTMLButtonElement);
    send.disabled = Boolean(asking);
    send.title = asking ? gettext("The agent is still answering.") : "";
  }

  /** Keep the end in sight, unless one has scrolled away from it. */
  #follow() {
    const list = this.list;
    if (list && list.scrollHeight - list.scrollTop - list.clientHeight < 160) list.scrollTop = list.scrollHeight;
  }

  /**
   * @param {string} said
   * @param {{ text: string, answer: string }[]} before
   * @param {(piece: string) => void} onText
   * @returns {Promise<End>}
   */
  async #ask(said, before, onText) {
    const response = await fetch(this.dataset.url ?? "", {
      method: "POST",
      credentials: "same-origin",
      signal: this.asking?.signal ?? null,
      headers: {
        Accept: "application/json",
        "Content-Type": "application/json",
        "X-CSRFToken": csrfToken(),
      },
      body: JSON.stringify({ text: said, earlier: before, stream: true }),
    });
    if (!response.ok || !response.body) {
      const problem = await response.json().catch(() => ({}));
      throw new Error(Object.values(problem.errors ?? {}).flat().join(" ") || problem.detail || BROKEN);
    }
    const events = new Events();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      for (const { event, data } of events.take(value ?? "")) {
        if (event === "text") onText(data.text);
        if (event === "end") return data;
      }
    }
    throw new Error(BROKEN);
  }
}

customElements.define("agent-talk", AgentTalk);
