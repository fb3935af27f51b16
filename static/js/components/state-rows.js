/**
 * <state-rows space token revision>: the list of states. A change of one shows at once, by the sync socket, and
 * what else there is about it is fetched soon after; new states, and all when there is no socket, come upon pokes.
 *
 * @import { Entry, Frame } from "../sync/types.d.ts"
 */

import { avatar, hue } from "../lib/avatars.js";
import { find, h, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { nameOf } from "../lib/names.js";
import { throttled } from "../sync/pace.js";
import { Replica } from "../sync/replica.js";
import { spaceSocket } from "../sync/socket.js";

const SOON = 1_000;
const LATER = 5_000;

class StateRows extends HTMLElement {
  /** @type {Map<string, HTMLElement>} */
  rows = new Map();
  renew = throttled(() => this.dispatchEvent(new CustomEvent("stars:rows")), SOON);
  leave = () => {};
  live = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #settling;

  connectedCallback() {
    document.body.addEventListener("stars:poke:states", this);
    document.body.addEventListener("stars:resync", this);
    for (const row of this.querySelectorAll("[data-state-id]")) {
      if (row instanceof HTMLElement) this.rows.set(row.dataset.stateId ?? "", row);
    }
    this.#follow();
  }

  disconnectedCallback() {
    document.body.removeEventListener("stars:poke:states", this);
    document.body.removeEventListener("stars:resync", this);
    this.renew.stop();
    clearTimeout(this.#settling);
    this.leave();
  }

  /** The page has just been drawn: all that matters is what is newer. */
  #follow() {
    if (!this.rows.size) return;
    const replica = new Replica({ token: this.getAttribute("token") ?? "", revision: Number(this.getAttribute("revision")) });
    this.leave = spaceSocket(this.getAttribute("space") ?? "").subscribe([...this.rows.keys()], {
      replica,
      mode: "latest",
      changed: (_, frame) => this.#take(frame),
      told: (state) => (this.live = state === "live"),
    });
  }

  /** @param {Event} event */
  handleEvent(event) {
    const states = /** @type {CustomEvent<{ states?: string[] } | undefined>} */ (event).detail?.states;
    const shown = this.live && states?.length && states.every((id) => this.rows.has(id));
    if (shown) this.#settle();
    else this.renew();
  }

  /** @param {Frame} frame */
  #take(frame) {
    if (frame.t === "delta") for (const entry of frame.entries ?? []) this.#show(entry);
    else if (frame.t !== "mark") this.#settle();
  }

  /** @param {Entry} entry */
  #show({ id, v, by, kind }) {
    const row = this.rows.get(id);
    if (!row || v <= Number(row.dataset.version)) return;
    row.dataset.version = String(v);
    text(find(row, "[data-ref=version]"), fill(gettext("version %(n)s"), { n: v }));
    const who = by ? [" · ", avatar(nameOf(by)), nameOf(by)] : [];
    find(row, "[data-ref=written]").replaceChildren(h("span", {}, gettext("just now")), ...who);
    // In the colour of whoever wrote it, beside their name.
    row.dataset.hue = String(hue(nameOf(by)));
    row.classList.remove("is-new");
    requestAnimationFrame(() => row.classList.add("is-new"));
    if (kind === "update") this.#settle();
    else this.renew();
  }

  /** The rest of the row in a while; a row that changes all the time is not fetched all the time. */
  #settle() {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      this.renew();
    }, LATER);
  }
}

customElements.define("state-rows", StateRows);
