/** What the story tells of the run as a whole: the task, the plan, and short notes between the turns. */

/** @import { EventOf, PlanItem } from "../types.d.ts" */
/** @import { Note } from "./story.js" */

import { avatar } from "../lib/avatars.js";
import { h, icon } from "../lib/dom.js";
import { fill, gettext, ngettext } from "../lib/i18n.js";
import { planChangeWords } from "./plan-change.js";
import { assigneeOf, sentence, titleOf, tone } from "./words.js";

/** The element of a note. @param {Note} block @returns {HTMLElement} */
export function noteNode(block) {
  const { event } = block;
  if (event.type === "run.queued") return taskNode(event);
  if (block.kind === "plan") return h("section", { class: "story-plan", "data-seq": String(event.seq) });
  const changes = event.type === "plan.approved" && block.before ? planChangeWords(block.before, event.data.plan) : "";
  const about = block.title ? ` ${titleOf(block)}` : changes && ` · ${changes}`;
  return h("p", { class: "story-note", "data-tone": tone(event), "data-seq": String(event.seq) }, h("span", {}, sentence(event), about && h("b", {}, about)));
}

/** @param {EventOf<"run.queued">} event */
function taskNode({ seq, data }) {
  const who = data.by || gettext("Somebody");
  return h(
    "div",
    { class: "turn story-task", "data-seq": String(seq), role: "article", "aria-label": gettext("Task") },
    h("header", { class: "turn-head" }, avatar(who), h("b", { class: "turn-who" }, who), h("h3", { class: "turn-title" }, gettext("Task"))),
    h("div", { class: "turn-body" }, h("div", { class: "turn-text" }, data.task)),
  );
}

/** Draw a plan as it stood after an event. @param {HTMLElement} node @param {Note} block @param {number} until */
export function drawPlan(node, { event, plans }, until) {
  const now = plans.findLast(({ seq }) => seq <= until) ?? plans[0];
  if (!now || !(event.type === "plan.proposed" || event.type === "plan.changed") || node.dataset.drawn === String(now.seq)) return;
  node.dataset.drawn = String(now.seq);
  const { plan } = now;
  const other = plans[0] !== now && planChangeWords(event.data.plan, plan) !== "";
  const items = event.type === "plan.changed" ? plan.subtasks.filter(({ key }) => event.data.added.includes(key)) : plan.subtasks;
  const n = items.length;
  const titles = new Map(plan.subtasks.map((item) => [item.key, titleOf(item)]));
  const whose = event.type === "plan.changed" ? gettext("Plan changed") : event.data.by ? fill(gettext("Plan edited by %(who)s"), { who: event.data.by }) : gettext("Plan");
  const title = other ? gettext("Plan as approved") : whose;
  const count = fill(ngettext("%(n)s subtask", "%(n)s subtasks", n), { n });
  node.replaceChildren(
    h("header", { class: "story-plan-head" }, icon("layers"), h("h3", {}, title), h("span", { class: "count" }, count)),
    h("ol", { class: "story-plan-items" }, items.map((item) => planItem(item, titles))),
  );
}

/** @param {PlanItem} item @param {Map<string, string>} titles */
function planItem(item, titles) {
  const needs = (item.depends_on ?? []).map((key) => titles.get(key) ?? key).join(", ");
  return h(
    "li",
    {},
    h("button", { type: "button", class: "story-plan-item", "data-subtask": item.id }, titleOf(item)),
    h("span", { class: "agent-name" }, assigneeOf(item)),
    needs ? h("span", { class: "story-plan-after" }, icon("after"), fill(gettext("After: %(titles)s"), { titles: needs })) : null,
  );
}
