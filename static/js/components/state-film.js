/**
 * <state-film src restore version against>: a state's versions as a film. Drag the slider, or let it play: the document
 * of each version stands there at once, held against the one before it, the one after it or a chosen one. Newer versions
 * come by themselves; older ones are fetched when they are reached.
 *
 * @import { Shot, Value } from "../sync/types.d.ts"
 * @import { StateTree } from "./state-tree.js"
 */

import "./state-tree.js";
import { avatar, hue } from "../lib/avatars.js";
import { field, find, h, icon, ref, show, text } from "../lib/dom.js";
import { get } from "../lib/http.js";
import { fill, gettext } from "../lib/i18n.js";
import { parse } from "../lib/json-tree.js";
import { keys } from "../lib/keys.js";
import { nameOf } from "../lib/names.js";
import { ago, moment } from "../lib/time.js";
import { Film } from "../sync/film.js";
import { throttled } from "../sync/pace.js";
import { changesIn } from "../sync/tree.js";

/** Milliseconds for which each version stands while it plays, and between drawings while somebody drags. */
const STAYS = 800;
const DRAW = 40;

class StateFilm extends HTMLElement {
  #film = new Film({}, []);
  #place = 0;
  #against = "previous";
  #more = false;
  #asking = false;
  #playing = 0;
  slider = h("input", { type: "range", class: "film-slider", min: "0", step: "1", "aria-label": gettext("Version"), oninput: () => this.#moved() });
  ticks = h("div", { class: "film-ticks", "aria-hidden": "true" });
  number = h("output", { class: "film-number" });
  back = tool(gettext("The version before"), "chevron", () => this.#step(-1), "film-back");
  on = tool(gettext("The version after"), "chevron", () => this.#step(1), "");
  play = tool(gettext("Play"), "play", () => this.#toggle(), "film-play");
  who = h("div", { class: "film-who" });
  sum = h("p", { class: "film-sum", role: "status" });
  chosen = h("input", { type: "number", class: "film-chosen", min: "1", "aria-label": gettext("Version to compare with"), hidden: true, onchange: () => this.#compare() });
  compare = h(
    "select",
    { class: "film-compare", "aria-label": gettext("Compare with"), onchange: () => this.#compare() },
    h("option", { value: "previous" }, gettext("compared with the version before")),
    h("option", { value: "next" }, gettext("compared with the version after")),
    h("option", { value: "chosen" }, gettext("compared with version…")),
  );
  draw = throttled(() => this.#draw(), DRAW);
  renew = throttled(() => this.#renew(), 1_000);
  forget = () => {};
  /** @type {(event: Event) => void} */
  #poked = () => this.renew();
  /** @type {(event: Event) => void} */
  #clicked = (event) => this.#link(/** @type {MouseEvent} */ (event));

  connectedCallback() {
    ref(this, "controls").replaceChildren(
      h("div", { class: "film-bar" }, this.back, this.play, this.on, h("div", { class: "film-track" }, this.slider, this.ticks), this.number),
      h("div", { class: "film-line" }, this.who, h("span", { class: "film-against" }, this.compare, this.chosen)),
      this.sum,
    );
    this.#against = this.getAttribute("against") || "previous";
    for (const name of ["stars:poke:states", "stars:resync"]) document.body.addEventListener(name, this.#poked);
    document.body.addEventListener("click", this.#clicked);
    const section = gettext("Versions");
    this.forget = keys.add(
      { section, keys: ",", text: gettext("The version before"), run: () => this.#step(-1) },
      { section, keys: ".", text: gettext("The version after"), run: () => this.#step(1) },
      { section, keys: "p", text: gettext("Play, or stop"), run: () => this.#toggle() },
    );
    this.#begin();
  }

  disconnectedCallback() {
    for (const name of ["stars:poke:states", "stars:resync"]) document.body.removeEventListener(name, this.#poked);
    document.body.removeEventListener("click", this.#clicked);
    clearTimeout(this.#playing);
    this.draw.stop();
    this.renew.stop();
    this.forget();
  }

  async #begin() {
    const wanted = Number(this.getAttribute("version"));
    const first = await this.#fetch("");
    if (!first) return;
    this.#film = new Film(first.base, first.frames);
    this.#more = first.more;
    while (this.#more && (wanted || Infinity) < this.#film.first) if (!(await this.#older())) break;
    show(this, this.#film.length > 0);
    this.#place = wanted ? this.#film.placeOf(wanted) : this.#film.length - 1;
    this.#draw();
  }

  /** @param {string} query @returns {Promise<{ base: Value | null, frames: Shot[], more: boolean } | null>} */
  async #fetch(query) {
    if (this.#asking) return null;
    this.#asking = true;
    try {
      const answer = await get(`${this.getAttribute("src")}${query}`);
      return parse(/** @type {{ text: string }} */ (answer).text);
    } catch {
      // The server is away, or this is not for us any more: what is here stays.
      return null;
    } finally {
      this.#asking = false;
    }
  }

  async #older() {
    const found = await this.#fetch(`?before=${this.#film.first}`);
    if (!found?.frames.length) {
      if (found) this.#more = false;
      return false;
    }
    const before = this.#film.length;
    this.#film.prepend(found.base, found.frames);
    this.#more = found.more;
    this.#place += this.#film.length - before;
    return true;
  }

  /** Newer versions; whoever looks at the newest one goes on with it. */
  async #renew() {
    if (!this.#film.length) return;
    const atEnd = this.#place === this.#film.length - 1;
    const found = await this.#fetch(`?after=${this.#film.last}`);
    if (!found?.frames.length) return;
    if (!this.#film.append(found.frames)) {
      await this.#begin();
      return;
    }
    if (atEnd) this.#place = this.#film.length - 1;
    this.#draw();
  }

  // -- moving ---------------------------------------------------------------------------------------------------

  #moved() {
    this.#stop();
    this.#place = Number(this.slider.value);
    this.draw();
    this.#reach();
  }

  /** Nearly at the oldest one here: fetch what is before. */
  async #reach() {
    if (this.#place < 3 && this.#more && (await this.#older())) this.#draw();
  }

  /** @param {number} by */
  #step(by) {
    this.#stop();
    this.#to(this.#place + by);
  }

  /** @param {number} place */
  #to(place) {
    this.#place = Math.max(0, Math.min(this.#film.length - 1, place));
    this.#draw();
    this.#reach();
  }

  #toggle() {
    if (this.#playing) return this.#stop();
    // At the end it begins again.
    if (this.#place >= this.#film.length - 1) this.#to(0);
    const next = () => {
      this.#playing = window.setTimeout(() => {
        if (this.#place >= this.#film.length - 1) return this.#stop();
        this.#place += 1;
        this.#draw();
        next();
      }, STAYS);
    };
    next();
    this.#showPlaying();
  }

  #stop() {
    clearTimeout(this.#playing);
    this.#playing = 0;
    this.#showPlaying();
  }

  #showPlaying() {
    const words = this.#playing ? gettext("Stop") : gettext("Play");
    this.play.replaceChildren(icon(this.#playing ? "pause" : "play"));
    this.play.title = words;
    this.play.setAttribute("aria-label", words);
  }

  /** A version in the list below leads up here. @param {MouseEvent} event */
  #link(event) {
    const link = event.target instanceof Element ? event.target.closest("a[data-version]") : null;
    if (!(link instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const version = Number(link.dataset.version);
    if (version < this.#film.first) return;
    event.preventDefault();
    this.#stop();
    this.#to(this.#film.placeOf(version));
    this.slider.focus({ preventScroll: true });
    this.scrollIntoView({ block: "start", behavior: "smooth" });
  }

  #compare() {
    const other = this.compare.value === "chosen";
    if (show(this.chosen, other) && !this.chosen.value) this.chosen.value = String(this.#film.first);
    this.#against = other ? String(Number(this.chosen.value) || this.#film.first) : this.compare.value;
    this.#draw();
  }

  // -- drawing --------------------------------------------------------------------------------------------------

  #draw() {
    const frame = this.#film.frames[this.#place];
    if (!frame) return;
    const other = this.#film.against(this.#place, this.#against);
    const held = this.#film.frames[other];
    this.#drawBar(frame);
    this.#drawWho(frame);
    const data = this.#film.at(this.#place);
    // The first version of all came of nothing.
    const before = held ? this.#film.at(other) : frame.kind === "create" ? {} : undefined;
    this.#drawSum(data, before, held);
    const tree = /** @type {StateTree} */ (find(this, "state-tree"));
    const since = fill(gettext("Written before version %(n)s."), { n: this.#film.first });
    tree.show({ data, before, blameOf: (path) => this.#film.blame(this.#place, path) ?? since });
    this.#drawRestore(frame);
    const address = new URL(location.href);
    address.searchParams.set("version", String(frame.version));
    if (this.#against === "previous") address.searchParams.delete("with");
    else address.searchParams.set("with", this.#against);
    history.replaceState(history.state, "", address);
  }

  /** @param {Shot} frame */
  #drawBar(frame) {
    const last = this.#film.length - 1;
    this.slider.max = String(last);
    this.slider.value = String(this.#place);
    this.slider.setAttribute("aria-valuetext", `${fill(gettext("version %(n)s"), { n: frame.version })}, ${nameOf(frame.agent)}, ${ago(frame.at)}`);
    text(this.number, fill(gettext("%(n)s of %(total)s"), { n: frame.version, total: this.#film.last }));
    this.back.disabled = this.#place === 0;
    this.on.disabled = this.#place === last;
    this.play.disabled = last === 0;
    if (this.ticks.childElementCount !== this.#film.length) {
      this.ticks.replaceChildren(...this.#film.frames.map((each) => tick(each)));
    }
    for (const [place, each] of [...this.ticks.children].entries()) each.classList.toggle("is-here", place === this.#place);
    const chosen = !["previous", "next"].includes(this.#against);
    this.compare.value = chosen ? "chosen" : this.#against;
    show(this.chosen, chosen);
    if (chosen) this.chosen.value = this.#against;
    this.chosen.max = String(this.#film.last);
  }

  /** @param {Shot} frame */
  #drawWho(frame) {
    const name = nameOf(frame.agent);
    const tree = find(this, "state-tree");
    const [agents, runs] = [tree.getAttribute("agents"), tree.getAttribute("runs")];
    this.who.replaceChildren(
      avatar(name),
      frame.agent.startsWith("agent:") ? h("a", { href: `${agents}${encodeURIComponent(name)}/` }, name) : h("b", {}, name),
      h("span", { class: "kind" }, frame.restored ? `${frame.words} ${frame.restored}` : frame.words),
      h("span", { class: "muted", title: moment(frame.at) }, ago(frame.at)),
      frame.run ? h("a", { href: `${runs}${encodeURIComponent(frame.run)}/` }, gettext("the run")) : "",
      frame.conflict ? h("span", { class: "film-conflict" }, icon("hand"), fill(gettext("settled a conflict: %(how)s"), { how: frame.conflict })) : "",
      frame.why ? h("span", { class: "film-why" }, frame.why) : "",
    );
  }

  /** @param {Value} data @param {Value | undefined} before @param {Shot | undefined} held */
  #drawSum(data, before, held) {
    if (before === undefined) return text(this.sum, gettext("There is no version before this one here."));
    const count = changesIn(data, before);
    const words = [
      fill(gettext("%(n)s added"), { n: count.added }), fill(gettext("%(n)s removed"), { n: count.removed }), fill(gettext("%(n)s changed"), { n: count.changed }),
    ].filter((_, index) => [count.added, count.removed, count.changed][index]);
    const since = held ? fill(gettext("against version %(n)s"), { n: held.version }) : gettext("the first version");
    text(this.sum, `${words.join(" · ") || gettext("The data are the same in both.")} (${since})`);
  }

  /** @param {Shot} frame */
  #drawRestore(frame) {
    const form = this.querySelector("form");
    if (!form) return;
    const last = this.#film.last;
    const newest = frame.version === last;
    const gone = frame.kind === "delete";
    const button = find(form, "button", HTMLButtonElement);
    field(form, "version").value = String(frame.version);
    field(form, "head").value = String(last);
    button.disabled = newest || gone;
    button.title = newest ? gettext("This is how it stands now.") : gone ? gettext("There was nothing then.") : "";
    if (!button.classList.contains("is-asking")) text(ref(form, "words"), fill(gettext("Restore version %(n)s"), { n: frame.version }));
  }
}

/** @param {Shot} frame */
function tick(frame) {
  return h("span", { class: `film-tick${frame.conflict ? " is-conflict" : ""}`, "data-hue": String(hue(nameOf(frame.agent))), "data-kind": frame.kind });
}

/** @param {string} words @param {string} sign @param {() => void} act @param {string} more */
const tool = (words, sign, act, more) =>
  h("button", { type: "button", class: `icon-button ${more}`, title: words, "aria-label": words, onclick: act }, icon(sign));

customElements.define("state-film", StateFilm);
