/** <run-result>: the leader's report: its live text while it is being written, then the rendered Markdown. */

import "./stream-text.js";
import { show, text } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { notify } from "../lib/notices.js";
import { ResultSlot } from "./result-slot.js";

/** Pixels; must be more than the height of `.is-folded` in run-header.css, or a fold would hide a line or two. */
const FOLD = 640;

class RunResult extends HTMLElement {
  connectedCallback() {
    this.heading = this.querySelector("[data-ref=heading]");
    this.stream = this.querySelector("stream-text");
    this.copy = this.querySelector("[data-ref=copy]");
    this.copy.addEventListener("click", () => this.#copy());
    this.tools = this.querySelector("[data-ref=tools]");
    this.box = this.querySelector("[data-ref=box]");
    this.more = this.querySelector("[data-ref=more]");
    this.more.addEventListener("click", () => this.#fold(false));
    this.box.addEventListener("focusin", () => this.#fold(false));
    this.observer = new ResizeObserver(() => this.#measure());
    this.observer.observe(this.box);
  }

  disconnectedCallback() {
    this.observer.disconnect();
  }

  draw(view) {
    this.report ??= new ResultSlot(this.box, this.about.urls.result);
    this.view = view;
    const summary = Object.values(view.subtasks).find((subtask) => subtask.kind === "summary");
    const writing = Boolean(summary?.text) && !view.result && ["running", "ready"].includes(summary.status);
    if (!show(this, Boolean(view.result) || writing)) {
      this.report.clear();
      return;
    }
    this.classList.toggle("is-writing", writing);
    text(this.heading, writing ? gettext("The leader is summing up…") : gettext("Report"));
    if (show(this.stream, writing)) this.stream.show(summary.text);
    show(this.tools, Boolean(view.result));
    if (view.result) this.report.show(view.result);
    else this.report.clear();
  }

  /** A report taller than the fold begins folded; once the reader has opened it, it stays open. */
  #measure() {
    if (!this.opened && this.box.scrollHeight > FOLD) this.#fold(true);
  }

  #fold(folded) {
    this.opened = !folded;
    this.classList.toggle("is-folded", folded);
    show(this.more, folded);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.view.result);
      notify(gettext("The report is on the clipboard, as Markdown."), "success");
    } catch {
      notify(gettext("This browser does not allow copying on a page without https."), "error");
    }
  }
}

customElements.define("run-result", RunResult);
