/** <upload-progress>: how far the files of the form around it have come while it is sent, and the way to stop that. */

import { h, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { notify } from "../lib/notices.js";
import { bytes } from "../lib/time.js";

/** Less than that is sent before a bar could be read. */
const WORTH = 256 * 1024;

class UploadProgress extends HTMLElement {
  bar = h("progress", { max: 1, "aria-label": gettext("Sending the files") });
  words = h("span", { class: "muted" });
  stop = h("button", { type: "button", class: "button button-quiet button-small", onclick: () => this.#stop() }, gettext("Cancel"));

  connectedCallback() {
    if (this.bar.isConnected) return;
    this.append(this.bar, this.words, this.stop);
    const form = this.closest("form");
    form?.addEventListener("htmx:xhr:progress", (event) => this.#draw(/** @type {CustomEvent<ProgressEvent>} */ (event).detail));
    form?.addEventListener("htmx:afterRequest", () => (this.hidden = true));
  }

  /** @param {ProgressEvent} progress */
  #draw({ loaded, total, lengthComputable }) {
    if (!lengthComputable || total < WORTH) return;
    this.hidden = false;
    this.bar.value = loaded / total;
    const done = loaded >= total;
    text(this.words, done ? gettext("Sent; the server is storing it.") : fill(gettext("%(done)s of %(all)s sent"), { done: bytes(loaded), all: bytes(total) }));
    // What has arrived in full may have begun already.
    show(this.stop, !done);
  }

  #stop() {
    const form = this.closest("form");
    if (!form) return;
    window.htmx?.trigger(form, "htmx:abort");
    notify(gettext("Sending was stopped; nothing was started. Your task and files are still here."));
    form.querySelector("textarea")?.focus();
  }
}

customElements.define("upload-progress", UploadProgress);
