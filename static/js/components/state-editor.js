/**
 * <state-editor>: the form that edits a document. A newer version takes the place of an untouched text; a text that
 * somebody is working on stays, and the newer version is only told of.
 */

import { show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";

class StateEditor extends HTMLElement {
  connectedCallback() {
    this.page = this.closest("state-page");
    this.form = this.querySelector("form");
    this.area = this.form.elements.document;
    this.news = this.querySelector("[data-ref=news]");
    // What came back with a refusal or a collision is somebody's work, whatever the text was before.
    this.untouched = this.form.querySelector("[role=alert]") ? null : this.area.value;
    this.page?.addEventListener("known", this);
    this.take = () => this.#take(this.newer);
    this.querySelector("[data-ref=take]").addEventListener("click", this.take);
  }

  disconnectedCallback() {
    this.page?.removeEventListener("known", this);
    this.querySelector("[data-ref=take]").removeEventListener("click", this.take);
  }

  handleEvent({ detail }) {
    const { version, uid } = this.form.elements;
    const shown = this.form.elements.head.value || version.value;
    if (detail.uid === uid.value && String(detail.version) === shown) return;
    if (this.area.value === this.untouched) this.#take(detail);
    else this.#announce(detail, version.value);
  }

  #announce(newer, base) {
    this.newer = newer;
    const words = gettext("%(who)s has written version %(n)s. Your text is kept, and will be joined with it from version %(base)s on.");
    const who = newer.by.replace(/^\w+:/, "") || gettext("Somebody");
    text(this.querySelector("[data-ref=words]"), fill(words, { who, n: newer.version, base }));
    show(this.news, true);
  }

  #take(newer) {
    const { version, uid, head } = this.form.elements;
    version.value = newer.version;
    uid.value = newer.uid;
    head.value = "";
    this.area.value = newer.text;
    this.untouched = this.area.value;
    for (const old of this.form.querySelectorAll("[role=alert]")) old.remove();
    show(this.news, false);
  }
}

customElements.define("state-editor", StateEditor);
