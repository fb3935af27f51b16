/**
 * A run's subtasks as a graph: what comes before what, and how each stands. Pure; no DOM.
 *
 * Not only what a plan says of waiting comes before a subtask: so do the plan that asked for it, the work after which a
 * further plan was made, the answers that are voted on, and the item of a swarm's board whose worker put it up.
 */

/** @import { PlanItem, Subtask, View } from "../types.d.ts" */

import { gettext } from "../lib/i18n.js";
import { ordered, runEnded, subtaskEnded } from "./reducer.js";
import { SUBTASK_WORDS } from "./words.js";

/** @typedef {import("../types.d.ts").SubtaskStatus | "retrying" | "proposed" | "ahead"} NodeState */
/**
 * @typedef {object} GraphNode
 * @property {string} id - the subtask's key, by which it is known before it exists
 * @property {"plan" | "work" | "vote" | "summary" | "reply" | "gate"} kind - a gate: everything before it, then everything after
 * @property {string[]} needs - the ids of what comes before
 * @property {NodeState} state
 * @property {Subtask | null} subtask - null for what does not exist yet
 * @property {PlanItem | null} item - of what is only proposed
 * @property {number} [width]
 * @property {number} [height]
 */
/** @typedef {"idle" | "done" | "flow" | "broken"} EdgeState */

/** Modes whose leader sums up in the end, whatever happens. */
const SUMMED_UP = new Set(["leader_worker", "swarm"]);
const GATE = { width: 14, height: 14 };
const BOARD = /^board-(\d+)-\d+$/;

/** What the node's state is called. @type {Record<NodeState, string>} */
export const STATE_WORDS = {
  ...SUBTASK_WORDS,
  retrying: gettext("Retrying"),
  proposed: gettext("Proposed"),
  ahead: gettext("Still to come"),
};

/**
 * How a subtask stands; another attempt that is awaited is told from work that nobody has begun.
 * @param {Subtask} subtask
 * @returns {NodeState}
 */
export const stateOf = (subtask) => (subtask.retrying ? "retrying" : subtask.status);

/**
 * The nodes in reading order.
 * @param {View} view
 * @returns {GraphNode[]}
 */
export function graphOf(view) {
  const subtasks = ordered(view);
  const made = Object.values(view.subtasks);
  /** @type {Map<string, GraphNode>} */
  const nodes = new Map();
  /** @param {Omit<GraphNode, "subtask" | "item"> & Partial<GraphNode>} node */
  const put = (node) => nodes.set(node.id, { subtask: null, item: null, ...node });
  const plans = made.filter(({ kind }) => kind === "plan");
  const work = made.filter(({ kind }) => kind === "work" || kind === "reply");
  const votes = made.filter(({ kind }) => kind === "vote");
  for (const subtask of subtasks) {
    put({ id: subtask.key, kind: subtask.kind, needs: [], state: stateOf(subtask), subtask });
  }
  /** @param {string} id @param {string[]} needs */
  const link = (id, needs) => nodes.get(id)?.needs.push(...needs.filter((need) => nodes.has(need)));
  for (const item of proposed(view)) put({ id: item.key, kind: "work", needs: [], state: "proposed", item });

  const planners = new Map(plans.map(({ id, key }) => [id, key]));
  const plannedBy = new Map(made.map(({ key, plannedBy: planner }) => [key, planner]));
  for (const subtask of work) link(subtask.key, needsOfWork(subtask, planners, plannedBy, made));
  for (const item of proposed(view)) {
    const asked = plans.at(-1)?.key ?? "";
    link(item.key, item.depends_on?.length ? item.depends_on : [asked]);
  }
  plans.slice(1).forEach((plan, n) => {
    const before = plans.slice(0, n + 1);
    const earlier = work.filter(({ plannedBy }) => before.some(({ id }) => id === plannedBy));
    link(plan.key, earlier.length ? ends(earlier.map(({ key }) => key), nodes) : before.slice(-1).map(({ key }) => key));
  });
  if (votes.length) {
    const state = work.every(({ status }) => subtaskEnded(status)) ? "completed" : "ahead";
    put({ id: "gate", kind: "gate", needs: work.map(({ key }) => key), state, ...GATE });
    for (const vote of votes) link(vote.key, ["gate"]);
  }
  if (view.votes) put({ id: "counted", kind: "gate", needs: votes.map(({ key }) => key), state: "completed", ...GATE });
  const comes = SUMMED_UP.has(view.mode) && work.length > 0 && !runEnded(view.status);
  if (comes && !nodes.has("summary")) put({ id: "summary", kind: "summary", needs: [], state: "ahead" });
  for (const { id } of [...nodes.values()].filter(({ kind }) => kind === "summary")) {
    const others = [...nodes.values()].filter(({ kind }) => kind !== "summary").map((node) => node.id);
    link(id, ends(others, nodes));
  }
  return [...nodes.values()];
}

/** What of the plan is not among the subtasks yet, since it awaits approval. @param {View} view */
function proposed(view) {
  if (view.status !== "awaiting_approval") return [];
  return view.plan?.subtasks.filter(({ id }) => !view.subtasks[id]) ?? [];
}

/**
 * @param {Subtask} subtask
 * @param {Map<string, string>} planners - keys of the plans by id
 * @param {Map<string, string>} plannedBy - ids of plans by the keys of what they planned
 * @param {Subtask[]} made - all subtasks in the order in which they came up
 */
function needsOfWork(subtask, planners, plannedBy, made) {
  const [, place] = BOARD.exec(subtask.key) ?? [];
  const parent = place === undefined ? undefined : made[Number(place)];
  if (parent) return [parent.key];
  const planner = planners.get(subtask.plannedBy);
  const waits = subtask.dependsOn;
  // What waits for nothing of its own plan begins with that plan.
  const within = waits.some((key) => plannedBy.get(key) === subtask.plannedBy);
  return planner && !within ? [planner, ...waits] : waits;
}

/** Those of the nodes that none of them needs. @param {string[]} ids @param {Map<string, GraphNode>} nodes */
function ends(ids, nodes) {
  const needed = new Set(ids.flatMap((id) => nodes.get(id)?.needs ?? []));
  return ids.filter((id) => !needed.has(id));
}

/**
 * Whether work flows along an edge: its start is done and its end is at it.
 * @param {NodeState} from
 * @param {NodeState} to
 * @returns {EdgeState}
 */
export function edgeState(from, to) {
  if (["failed", "skipped", "cancelled"].includes(from)) return "broken";
  if (from !== "completed") return "idle";
  return to === "running" || to === "retrying" ? "flow" : "done";
}

/**
 * The node to look at while one follows the run: the work that began last, else what comes next.
 * @param {GraphNode[]} nodes
 * @returns {GraphNode | null}
 */
export function underWay(nodes) {
  /** @param {NodeState} state */
  const latest = (state) =>
    nodes
      .filter((node) => node.state === state)
      .toSorted((a, b) => since(a).localeCompare(since(b)))
      .at(-1);
  return latest("waiting") ?? latest("running") ?? latest("retrying") ?? latest("ready") ?? null;
}

/** When the node came to its present state. @param {GraphNode} node */
const since = ({ subtask }) => subtask?.spans.at(-1)?.from ?? "";

/**
 * The node that an arrow key leads to: along the edges to the right and left, within the layer up and down. Where no edge
 * leads on, to the nearest node on that side.
 * @param {"ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown"} key
 * @param {string} id - from here
 * @param {import("./graph-layout.js").Layout} layout
 * @returns {string | null}
 */
export function neighbour(key, id, { places, edges }) {
  const here = places.get(id);
  if (!here) return null;
  const middle = here.y + here.height / 2;
  /** @param {string[]} ids */
  const nearest = (ids) => {
    let best = null;
    let least = Infinity;
    for (const other of ids) {
      const place = places.get(other);
      const far = place ? Math.abs(place.y + place.height / 2 - middle) : Infinity;
      if (far < least) [best, least] = [other, far];
    }
    return best;
  };
  if (key === "ArrowRight" || key === "ArrowLeft") {
    const on = key === "ArrowRight";
    const along = edges.filter((edge) => id === (on ? edge.from : edge.to)).map((edge) => (on ? edge.to : edge.from));
    const next = [...places.values()].filter(({ layer }) => layer === here.layer + (on ? 1 : -1));
    return nearest(along) ?? nearest(next.map((place) => place.id));
  }
  const below = key === "ArrowDown";
  const beside = [...places.values()].filter(({ layer, y, id: other }) => {
    return layer === here.layer && other !== id && (below ? y > here.y : y < here.y);
  });
  return nearest(beside.map((place) => place.id));
}
