/** <upload-progress>: how far the files of the form around it have come, while it is sent. */

import { h, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { bytes } from "../lib/time.js";

/** Less than that is sent before a bar could be read. */
const WORTH = 256 * 1024;

class UploadProgress extends HTMLElement {
  connectedCallback() {
    if (this.bar) return;
    this.bar = h("progress", { max: 1, "aria-label": gettext("Sending the files") });
    this.words = h("span", { class: "muted" });
    this.append(this.bar, this.words);
    const form = this.closest("form");
    form?.addEventListener("htmx:xhr:progress", (event) => this.#draw(/** @type {CustomEvent<ProgressEvent>} */ (event).detail));
    form?.addEventListener("htmx:afterRequest", () => (this.hidden = true));
  }

  /** @param {ProgressEvent} progress */
  #draw({ loaded, total, lengthComputable }) {
    if (!lengthComputable || total < WORTH || !this.bar || !this.words) return;
    this.hidden = false;
    this.bar.value = loaded / total;
    const done = loaded >= total;
    text(this.words, done ? gettext("Sent; the server is storing it.") : fill(gettext("%(done)s of %(all)s sent"), { done: bytes(loaded), all: bytes(total) }));
  }
}

customElements.define("upload-progress", UploadProgress);
