/**
 * <run-votes>: how the group voted: each answer with its votes as a bar, the winner, ties, who thought otherwise.
 *
 * @import { Subtask, View, Votes } from "../types.d.ts"
 */

import { h, icon, ref, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { RULE_WORDS } from "./words.js";

class RunVotes extends HTMLElement {
  /** @param {View} view @param {View | null} before */
  draw(view, before) {
    const { votes } = view;
    if (before && votes === before.votes) return;
    if (!show(this, Boolean(votes)) || !votes) return;
    const answers = new Map(Object.values(view.subtasks).map((subtask) => [subtask.key, subtask]));
    text(ref(this, "rule"), RULE_WORDS[votes.rule] ?? votes.rule);
    const most = Math.max(1, ...Object.values(votes.counts));
    ref(this, "rows").replaceChildren(
      ...Object.entries(votes.counts).map(([key, count]) => this.#row(key, count, most, answers.get(key), votes)),
    );
    ref(this, "notes").replaceChildren(...this.#notes(votes, answers).map((words) => h("li", {}, words)));
  }

  /**
   * @param {string} key
   * @param {number} count
   * @param {number} most
   * @param {Subtask | undefined} answer
   * @param {Votes} vote
   */
  #row(key, count, most, answer, { winner, votes }) {
    const won = key === winner;
    const voters = Object.entries(votes).filter(([, chosen]) => chosen.split(/, | > /)[0] === key);
    const bar = h("meter", { min: 0, max: most, value: count, "aria-hidden": "true" });
    const row = h(
      "li",
      { class: "vote", "data-won": String(won) },
      h("a", { class: "agent-name", href: answer ? `#subtask-${answer.id}` : "#" }, answer?.agentId ?? key),
      bar,
      h("b", { class: "vote-count" }, String(count)),
      h("span", { class: "vote-from" }, voters.map(([voter]) => voter).join(", ")),
    );
    if (won) row.append(h("span", { class: "vote-won" }, icon("check"), gettext("wins")));
    return row;
  }

  /** @param {Votes} vote @param {Map<string, Subtask>} answers */
  #notes({ winner, tie, minority, votes }, answers) {
    const who = (/** @type {string} */ key) => answers.get(key)?.agentId ?? key;
    const notes = [];
    if (!winner) notes.push(gettext("The vote decided nothing."));
    if (tie.length) notes.push(fill(gettext("A tie between %(who)s; the report says how it was broken."), { who: tie.map(who).join(", ") }));
    for (const voter of minority) {
      const chosen = (votes[voter] ?? "").split(/, | > /).map(who).join(", ");
      notes.push(fill(gettext("%(who)s thought otherwise: %(chosen)s"), { who: voter, chosen }));
    }
    return notes;
  }
}

customElements.define("run-votes", RunVotes);
