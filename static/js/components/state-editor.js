/**
 * <state-editor>: the form that edits a document. A newer version takes the place of an untouched text; a text that
 * somebody is working on stays, and the newer version is only told of.
 */

import { show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { nameOf } from "../lib/names.js";

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
    const words = gettext("Version %(n)s by %(who)s has arrived; you are editing version %(base)s. Your text is kept, and is joined with it when you save.");
    text(this.querySelector("[data-ref=words]"), fill(words, { who: nameOf(newer.by), n: newer.version, base }));
    const diff = this.querySelector("[data-ref=diff]");
    // Versions of different lives cannot be compared.
    if (show(diff, newer.uid === this.form.elements.uid.value)) {
      diff.href = `${diff.href.split("?")[0]}?old=${base}&new=${newer.version}`;
    }
    show(this.news, true);
  }

  #take(newer) {
    const { version, uid, head } = this.form.elements;
    const { selectionStart, selectionEnd, scrollTop } = this.area;
    version.value = newer.version;
    uid.value = newer.uid;
    head.value = "";
    this.area.value = newer.text;
    this.untouched = this.area.value;
    this.area.setSelectionRange(selectionStart, selectionEnd);
    this.area.scrollTop = scrollTop;
    for (const old of this.form.querySelectorAll("[role=alert]")) old.remove();
    show(this.news, false);
  }
}

customElements.define("state-editor", StateEditor);
