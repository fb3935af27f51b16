/**
 * <run-cards>: one <subtask-card> for each subtask, in reading order. The summary is shown by <run-result>, a
 * completed plan by <run-plan>.
 */

import "./subtask-card.js";
import { ordered } from "./reducer.js";

class RunCards extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector("[data-ref=cards]");
    this.cards = new Map();
  }

  draw(view, before) {
    if (before && view.subtasks === before.subtasks) return;
    const shown = ordered(view).filter(({ kind, status }) => {
      if (kind === "plan") return !["completed", "ready"].includes(status);
      return ["work", "vote"].includes(kind) || ["failed", "waiting"].includes(status);
    });
    const wanted = new Set(shown.map(({ id }) => id));
    for (const [id, card] of this.cards) {
      if (wanted.has(id)) continue;
      card.remove();
      this.cards.delete(id);
    }
    this.hidden = !shown.length;
    shown.forEach((subtask, index) => {
      let card = this.cards.get(subtask.id);
      if (!card) {
        card = document.createElement("subtask-card");
        card.about = this.about;
        this.cards.set(subtask.id, card);
      }
      if (this.list.children[index] !== card) this.list.insertBefore(card, this.list.children[index] ?? null);
      card.draw(subtask);
    });
  }

  tick(view, at) {
    for (const card of this.cards.values()) card.tick(at);
  }
}

customElements.define("run-cards", RunCards);
