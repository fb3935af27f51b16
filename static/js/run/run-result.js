/**
 * <run-result>: the leader's report: its live text while it is being written, then the rendered Markdown.
 *
 * @import { About, View } from "../types.d.ts"
 * @import { StreamText } from "./stream-text.js"
 */

import "./stream-text.js";
import { ref, show, text } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { notify } from "../lib/notices.js";
import { ResultSlot } from "./result-slot.js";

/** Pixels; must be more than the height of `.is-folded` in run-header.css, or a fold would hide a line or two. */
const FOLD = 320;

class RunResult extends HTMLElement {
  /** @type {About} */
  about;
  opened = false;
  markdown = "";
  /** @type {ResultSlot | undefined} */
  report;

  connectedCallback() {
    ref(this, "copy").addEventListener("click", () => this.#copy());
    ref(this, "more").addEventListener("click", () => this.#fold(false));
    const box = ref(this, "box");
    box.addEventListener("focusin", () => this.#fold(false));
    this.observer = new ResizeObserver(() => this.#measure(box));
    this.observer.observe(box);
  }

  disconnectedCallback() {
    this.observer?.disconnect();
  }

  /** @param {View} view */
  draw(view) {
    this.report ??= new ResultSlot(ref(this, "box"), this.about.urls.result ?? "");
    this.markdown = view.result;
    const summary = Object.values(view.subtasks).find((subtask) => subtask.kind === "summary");
    const writing = Boolean(summary?.text) && !view.result && ["running", "ready"].includes(summary?.status ?? "");
    if (!show(this, Boolean(view.result) || writing)) {
      this.report.clear();
      return;
    }
    this.classList.toggle("is-writing", writing);
    text(ref(this, "heading"), writing ? gettext("The leader is summing up…") : gettext("Report"));
    const stream = /** @type {StreamText} */ (this.querySelector("stream-text"));
    if (show(stream, writing)) stream.show(summary?.text ?? "");
    show(ref(this, "tools"), Boolean(view.result));
    if (view.result) this.report.show(view.result);
    else this.report.clear();
  }

  /** A report taller than the fold begins folded; once the reader has opened it, it stays open. @param {HTMLElement} box */
  #measure(box) {
    if (!this.opened && box.scrollHeight > FOLD) this.#fold(true);
  }

  /** @param {boolean} folded */
  #fold(folded) {
    this.opened = !folded;
    this.classList.toggle("is-folded", folded);
    show(ref(this, "more"), folded);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.markdown);
      notify(gettext("The report is on the clipboard, as Markdown."), "success");
    } catch {
      notify(gettext("This browser does not allow copying on a page without https."), "error");
    }
  }
}

customElements.define("run-result", RunResult);
