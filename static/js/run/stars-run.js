/**
 * <stars-run>: the run page. Reads what the server says about the run, follows its log, and lets each part
 * (`[data-part]`: `draw(view, before, store)`, `tick(view)`) draw itself from the reduced view.
 */

import "./run-budget.js";
import "./run-cards.js";
import "./run-header.js";
import "./run-log.js";
import "./run-plan.js";
import "./run-progress.js";
import "./run-result.js";
import "./run-votes.js";
import "./plan-editor.js";
import { now, setServerTime } from "../lib/time.js";
import { notify } from "../lib/notices.js";
import { live } from "../live.js";
import { runEnded } from "./reducer.js";
import { RunStore } from "./store.js";

class StarsRun extends HTMLElement {
  connectedCallback() {
    const about = JSON.parse(document.getElementById("run-data").textContent);
    setServerTime(about.now);
    this.store = new RunStore(about);
    this.parts = [...this.querySelectorAll("[data-part]")];
    for (const part of this.parts) {
      part.about = about;
      this.store.listen((view, before, store) => part.draw(view, before, store));
    }
    this.store.resubscribe = live.follow(`run:${about.id}`, {
      after: () => this.store.position,
      hello: (frame) => this.store.hello(frame),
      events: (frame) => this.store.take(frame),
      error: (frame) => notify(frame.message ?? frame.reason ?? "", "error"),
    });
    this.timer = setInterval(() => this.#tick(), 500);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  /** Clocks and countdowns go on between events; nothing ticks once the run has come to rest. */
  #tick() {
    const { view } = this.store;
    if (document.hidden || runEnded(view.status) || !view.last_seq) return;
    for (const part of this.parts) part.tick?.(view, now());
  }
}

customElements.define("stars-run", StarsRun);
