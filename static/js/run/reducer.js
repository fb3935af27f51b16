/**
 * The run as its event log tells it: one pure function from (view, event) to view. No DOM, no clock, no network,
 * so the same code draws the live page, replays a log at any speed, and is tested in Node against the database.
 *
 * Views are never changed once returned. A batch copies each object it touches once (`own`), so that ten thousand
 * text deltas cost ten thousand string appends, and a component may compare parts of two views by identity.
 *
 * @import { EventOf, EventType, Plan, RunEvent, RunStatus, Span, Spent, Subtask, SubtaskKind, SubtaskStatus, Usage, View } from "../types.d.ts"
 * @typedef {Set<string>} Fresh The subtasks that are this batch's own copies.
 */

import { blank } from "./view.js";

export { initial } from "./view.js";

/** @type {Set<RunStatus>} */
const RUN_ENDED = new Set(["completed", "failed", "cancelled"]);
/** @type {Set<SubtaskStatus>} */
const SUBTASK_ENDED = new Set(["completed", "failed", "cancelled", "skipped"]);

/** Whether a run with this status has come to rest (a retry may still take it up again). @param {RunStatus} status */
export const runEnded = (status) => RUN_ENDED.has(status);

/** Whether a subtask with this status needs no more work. @param {SubtaskStatus} status */
export const subtaskEnded = (status) => SUBTASK_ENDED.has(status);

/** Whether a subtask came to an end of its own; what was cancelled did not. @param {SubtaskStatus} status */
export const subtaskDone = (status) => subtaskEnded(status) && status !== "cancelled";

/** The view after one more event. @param {View} view @param {RunEvent} event */
export const reduce = (view, event) => reduceAll(view, [event]);

/**
 * The view after these events, in order. Equal to folding `reduce`, with one copy of what changes.
 *
 * @param {View} view
 * @param {readonly RunEvent[]} events
 * @returns {View}
 */
export function reduceAll(view, events) {
  if (!events.length) return view;
  const draft = { ...view, subtasks: { ...view.subtasks }, counts: { ...view.counts } };
  /** @type {Fresh} */
  const fresh = new Set();
  for (const event of events) {
    draft.last_seq = event.seq;
    draft.lastAt = event.at;
    draft.counts[event.type] = (draft.counts[event.type] ?? 0) + 1;
    // Which handler takes which event, the table says; the checker cannot follow that through an index.
    /** @type {((draft: View, event: RunEvent, fresh: Fresh) => void) | undefined} */ (HANDLERS[event.type])?.(draft, event, fresh);
    stand(draft, event.at);
    // Every fact about a subtask names the agent it belongs to at that moment, or nobody yet.
    if (event.subtask && event.type.startsWith("subtask.")) {
      own(draft, event.subtask, fresh).agentId = event.agent_id;
    }
  }
  return draft;
}

/**
 * Close the time in which the run stood as it did, and begin another, when it stands otherwise now.
 *
 * @param {View} draft
 * @param {string} at
 */
function stand(draft, at) {
  const { status, stands } = draft;
  const still = status === "queued" || status === "paused" || status === "awaiting_approval";
  const state = RUN_ENDED.has(status) ? null : still ? status : "running";
  const last = stands.at(-1);
  if ((last && last.to === null ? last.state : null) === state) return;
  draft.stands = stands.map((each) => (each.to === null ? { ...each, to: at } : each));
  if (state) draft.stands.push({ state, from: at, to: null });
}

/** What must equal the rows of the database; the replay test compares it. @param {View} view */
export function summary(view) {
  /** @type {Record<string, object>} */
  const subtasks = {};
  for (const s of Object.values(view.subtasks)) {
    subtasks[s.id] = {
      id: s.id,
      key: s.key,
      kind: s.kind,
      title: s.title,
      assignee: s.assignee,
      agent_id: s.agentId ?? "",
      status: s.status,
      attempt: s.attempt,
      result: s.result,
      error: s.error,
      question: s.question,
    };
  }
  const { status, plan, result, error, usage, last_seq, stopReason: stop_reason } = view;
  return { status, plan, subtasks, result, error, usage, last_seq, stop_reason };
}

/** @type {Record<SubtaskKind, number>} */
const RANK = { plan: 0, work: 1, reply: 1, vote: 2, summary: 3 };

/** The subtasks in reading order: plans, their items as planned, votes, the summary. @param {View} view */
export function ordered(view) {
  return Object.values(view.subtasks).toSorted(
    (a, b) => RANK[a.kind] - RANK[b.kind] || a.position - b.position,
  );
}

/**
 * The subtask as an object of this batch's own, which may be changed.
 *
 * @param {View} draft
 * @param {string} id
 * @param {Fresh} fresh
 * @returns {Subtask}
 */
function own(draft, id, fresh) {
  const known = draft.subtasks[id];
  if (known && fresh.has(id)) return known;
  fresh.add(id);
  return (draft.subtasks[id] = { ...(known ?? blank(id)) });
}

/**
 * Put the subtask into `status`, closing the open bar of its timeline and opening the next.
 *
 * @param {Subtask} subtask
 * @param {SubtaskStatus} status
 * @param {string} at
 */
function enter(subtask, status, at) {
  subtask.status = status;
  /** @type {Span[]} */
  const spans = subtask.spans.map((span) => (span.to === null ? { ...span, to: at } : span));
  if (SUBTASK_ENDED.has(status)) {
    subtask.endedAt = at;
  } else {
    subtask.endedAt = null;
    if (status !== "blocked") spans.push({ state: status, from: at, to: null });
  }
  subtask.spans = spans;
}

/**
 * A pause outlasts what was already under way when it came; only a resume or an end lifts it.
 *
 * @param {View} draft
 * @param {RunStatus} status
 */
function go(draft, status) {
  if (draft.status !== "paused") draft.status = status;
}

/**
 * @param {View} draft
 * @param {Plan} plan
 * @param {string} at
 * @param {Fresh} fresh
 */
function listSubtasks(draft, plan, at, fresh) {
  const planner = Object.values(draft.subtasks).findLast(({ kind }) => kind === "plan");
  plan.subtasks.forEach((item, index) => {
    // A further plan names those that there are too; they stay as they are.
    if (draft.subtasks[item.id]) return;
    const subtask = own(draft, item.id, fresh);
    Object.assign(subtask, {
      key: item.key,
      kind: "work",
      title: item.title,
      instructions: item.instructions ?? "",
      assignee: item.assignee,
      dependsOn: item.depends_on ?? [],
      plannedBy: planner?.id ?? "",
      position: index + 1,
    });
    enter(subtask, "blocked", at);
  });
}

/**
 * @param {View} draft
 * @param {RunEvent} event
 * @param {RunStatus} status
 * @param {Fresh} fresh
 */
function end(draft, event, status, fresh) {
  draft.status = status;
  draft.endedAt = event.at;
  draft.paused = null;
  for (const [id, subtask] of Object.entries(draft.subtasks)) {
    if (SUBTASK_ENDED.has(subtask.status)) continue;
    const stopped = own(draft, id, fresh);
    stopped.retrying = null;
    enter(stopped, "cancelled", event.at);
  }
}

/**
 * @param {Usage} sum
 * @param {EventOf<"usage.recorded">["data"]} more
 * @returns {Usage}
 */
function addUsage(sum, more) {
  return {
    input_tokens: (sum.input_tokens ?? 0) + more.input_tokens,
    output_tokens: (sum.output_tokens ?? 0) + more.output_tokens,
    requests: (sum.requests ?? 0) + more.requests,
    // Once a price is unknown, so is the sum.
    cost_usd: sum.cost_usd === null || more.cost_usd === null ? null : (sum.cost_usd ?? 0) + more.cost_usd,
  };
}

/**
 * @param {Spent | null} sum
 * @param {EventOf<"usage.recorded">["data"]} more
 * @returns {Spent}
 */
function addSpent(sum, more) {
  return {
    tokens: (sum?.tokens ?? 0) + more.input_tokens + more.output_tokens,
    cost: (sum?.cost ?? 0) + (more.cost_usd ?? 0),
    calls: (sum?.calls ?? 0) + 1,
    unpriced: (sum?.unpriced ?? 0) + (more.cost_usd === null ? 1 : 0),
  };
}

/** @type {{ [T in EventType]?: (draft: View, event: EventOf<T>, fresh: Fresh) => void }} */
const HANDLERS = {
  "run.queued"(draft, { data, at }) {
    draft.status = "queued";
    draft.queuedAt = at;
    draft.task = data.task ?? draft.task;
    draft.mode = data.mode ?? draft.mode;
    draft.failurePolicy = data.failure_policy ?? "";
    draft.approvePlan = Boolean(data.approve_plan);
    draft.attachments = data.attachments ?? [];
    draft.by = data.by ?? "";
  },
  "run.started"(draft, { at }) {
    const plans = Object.values(draft.subtasks).some(({ kind }) => kind === "plan");
    go(draft, plans ? "planning" : "running");
    draft.startedAt ??= at;
  },
  "plan.proposed"(draft, { data, at }, fresh) {
    draft.plan = data.plan;
    draft.planBy = data.by ?? "";
    go(draft, data.approval_required ? "awaiting_approval" : "running");
    if (!data.approval_required) listSubtasks(draft, data.plan, at, fresh);
  },
  "plan.approved"(draft, { data, at }, fresh) {
    draft.plan = data.plan;
    draft.planBy = data.by ?? "";
    go(draft, "running");
    listSubtasks(draft, data.plan, at, fresh);
  },
  "plan.changed"(draft, { data, at }, fresh) {
    draft.plan = data.plan;
    draft.planChanged = { added: data.added, reason: data.reason, at };
    listSubtasks(draft, data.plan, at, fresh);
  },
  "votes.counted"(draft, { data, at }) {
    draft.votes = { ...data, tie: data.tie ?? [], minority: data.minority ?? [], at };
  },
  "run.paused"(draft, { data, at }) {
    draft.status = "paused";
    draft.paused = { by: data.by ?? "", at };
  },
  "run.resumed"(draft, { data, at }, fresh) {
    if (RUN_ENDED.has(draft.status)) draft.stopReason = ""; // a retry, not the end of a pause
    draft.status = data.status;
    draft.paused = null;
    draft.endedAt = null;
    draft.result = "";
    draft.error = "";
    draft.votes = null;
    for (const id of data.retried ?? []) {
      const subtask = own(draft, id, fresh);
      Object.assign(subtask, { result: "", error: "", question: "", retrying: null, text: "", tools: [] });
      enter(subtask, "blocked", at);
    }
  },
  "run.summarising"(draft) {
    go(draft, "summarising");
  },
  "run.completed"(draft, { data, at }) {
    draft.status = "completed";
    draft.endedAt = at;
    draft.paused = null;
    draft.result = data.result;
    draft.usage = data.usage;
    draft.stopReason = data.stop_reason ?? "";
  },
  "run.failed"(draft, event, fresh) {
    end(draft, event, "failed", fresh);
    draft.error = event.data.error;
  },
  "run.cancelled"(draft, event, fresh) {
    end(draft, event, "cancelled", fresh);
    draft.cancelled = { by: event.data.by ?? "", reason: event.data.reason ?? "" };
  },
  "subtask.ready"(draft, { subtask: id, data, at }, fresh) {
    const subtask = own(draft, id, fresh);
    subtask.key = data.key;
    subtask.kind = data.kind;
    subtask.title = data.title;
    subtask.assignee = data.assignee;
    subtask.question = "";
    subtask.retrying = null;
    // What stands in no plan comes in the order in which it came up.
    subtask.position ||= Object.keys(draft.subtasks).length;
    enter(subtask, "ready", at);
  },
  "subtask.started"(draft, { subtask: id, data, at }, fresh) {
    const subtask = own(draft, id, fresh);
    subtask.attempt = data.attempt;
    subtask.maxAttempts = data.max_attempts;
    subtask.text = "";
    subtask.tools = [];
    subtask.retrying = null;
    subtask.startedAt ??= at;
    enter(subtask, "running", at);
  },
  "subtask.retrying"(draft, { subtask: id, data, at }, fresh) {
    const subtask = own(draft, id, fresh);
    // A try that the server itself broke off does not count.
    subtask.attempt = data.cause === "released" ? data.attempt - 1 : data.attempt;
    subtask.maxAttempts = data.max_attempts;
    subtask.error = data.error;
    subtask.retrying = { error: data.error, delay: data.delay, cause: data.cause, at };
    enter(subtask, "ready", at);
  },
  "subtask.waiting"(draft, { subtask: id, data, at }, fresh) {
    const subtask = own(draft, id, fresh);
    subtask.question = data.question;
    subtask.options = data.options ?? [];
    subtask.attempt -= 1; // a try that ends in a question does not count
    enter(subtask, "waiting", at);
  },
  "subtask.handed_over"(draft, { subtask: id, agent_id: from, data, at }, fresh) {
    const subtask = own(draft, id, fresh);
    subtask.handovers = [...subtask.handovers, { from, to: data.to, text: data.text, at }];
    subtask.attempt = 0; // it is tried afresh
    subtask.error = "";
    subtask.text = "";
    subtask.tools = [];
  },
  "subtask.completed"(draft, { subtask: id, data, at }, fresh) {
    const subtask = own(draft, id, fresh);
    subtask.result = data.result;
    subtask.error = "";
    subtask.retrying = null;
    enter(subtask, "completed", at);
  },
  "subtask.failed"(draft, { subtask: id, data, at }, fresh) {
    const subtask = own(draft, id, fresh);
    subtask.error = data.error;
    subtask.attempt = data.attempt;
    subtask.retrying = null;
    enter(subtask, "failed", at);
  },
  "subtask.skipped"(draft, { subtask: id, data, at }, fresh) {
    const subtask = own(draft, id, fresh);
    subtask.error = data.reason;
    enter(subtask, "skipped", at);
  },
  "text.delta"(draft, { subtask: id, data }, fresh) {
    if (id) own(draft, id, fresh).text += data.text;
  },
  "tool.started"(draft, { subtask: id, data, at }, fresh) {
    if (!id) return;
    const subtask = own(draft, id, fresh);
    const { call_id, tool } = data;
    const call = { id: call_id, tool, arguments: data.arguments ?? {}, summary: "", ok: null };
    subtask.tools = [...subtask.tools, { ...call, startedAt: at, endedAt: null }];
  },
  "tool.finished"(draft, { subtask: id, data, at }, fresh) {
    if (!id) return;
    const subtask = own(draft, id, fresh);
    subtask.tools = subtask.tools.map((call) =>
      call.id === data.call_id && call.ok === null
        ? { ...call, ok: data.ok, summary: data.summary, endedAt: at }
        : call,
    );
  },
  "usage.recorded"(draft, { data, agent_id: agent, subtask: id }, fresh) {
    draft.usage = addUsage(draft.usage, data);
    draft.spent = { ...draft.spent, [agent ?? ""]: addSpent(draft.spent[agent ?? ""] ?? null, data) };
    if (!id) return;
    const subtask = own(draft, id, fresh);
    subtask.spent = addSpent(subtask.spent, data);
  },
  "budget.reached"(draft, { data }) {
    draft.stopReason = data.text;
  },
  "budget.raised"(draft, { data }) {
    draft.caps = { tokens: data.max_tokens, cost: data.max_cost_usd };
  },
};
