/**
 * <run-result>: the leader's report, a view of the run: its live text while it is being written, then the rendered
 * Markdown.
 *
 * @import { About, View } from "../types.d.ts"
 * @import { StreamText } from "./stream-text.js"
 */

import "./stream-text.js";
import { ref, show, text } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { notify } from "../lib/notices.js";
import { runEnded } from "./reducer.js";
import { ResultSlot } from "./result-slot.js";

class RunResult extends HTMLElement {
  /** @type {About} */
  about;
  markdown = "";
  /** @type {ResultSlot | undefined} */
  report;

  connectedCallback() {
    ref(this, "copy").addEventListener("click", () => this.#copy());
  }

  /** @param {View} view @param {View | null} _before @param {{ caughtUp: boolean }} store */
  draw(view, _before, store) {
    this.report ??= new ResultSlot(ref(this, "box"), this.about.urls.result ?? "", this.about.rendered);
    this.markdown = view.result;
    const summary = Object.values(view.subtasks).find((subtask) => subtask.kind === "summary");
    const writing = Boolean(summary?.text) && !view.result && ["running", "ready"].includes(summary?.status ?? "");
    this.classList.toggle("is-writing", writing);
    text(ref(this, "heading"), writing ? gettext("The leader is summing up…") : gettext("Report"));
    const stream = /** @type {StreamText} */ (this.querySelector("stream-text"));
    if (show(stream, writing)) stream.show(summary?.text ?? "");
    show(ref(this, "copy"), Boolean(view.result));
    if (view.result) this.report.show(view.result);
    else this.report.clear();
    const missing = !view.result && !writing;
    const known = view.last_seq > 0 && store.caughtUp;
    show(ref(this, "wait"), missing && !known);
    if (show(ref(this, "none"), missing && known)) {
      text(ref(this, "none"), runEnded(view.status) ? gettext("The run ended without a report.") : gettext("The report comes when all work is done; until then the story tells how far it is."));
    }
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
