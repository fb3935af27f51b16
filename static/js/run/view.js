/**
 * How a view begins, before the log has said anything; what each part means stands in types.d.ts. Pure.
 *
 * @import { Subtask, View } from "../types.d.ts"
 */

/**
 * The view before the first event. `run` gives what the log does not repeat.
 *
 * @param {{ id?: string | null, task?: string, mode?: string }} [run]
 * @returns {View}
 */
export function initial(run = {}) {
  return {
    id: run.id ?? null,
    task: run.task ?? "",
    mode: run.mode ?? "",
    failurePolicy: "",
    approvePlan: false,
    attachments: [],
    by: "",
    status: "queued",
    queuedAt: null,
    startedAt: null,
    endedAt: null,
    stands: [],
    paused: null,
    cancelled: null,
    plan: null,
    planBy: "",
    subtasks: {},
    planChanged: null,
    votes: null,
    result: "",
    error: "",
    usage: {},
    spent: {},
    stopReason: "",
    caps: null,
    counts: {},
    last_seq: 0,
    lastAt: null,
  };
}

/**
 * A subtask of which nothing is known yet.
 *
 * @param {string} id
 * @returns {Subtask}
 */
export function blank(id) {
  return {
    id,
    key: "",
    kind: "work",
    title: "",
    instructions: "",
    assignee: "",
    agentId: null,
    dependsOn: [],
    plannedBy: "",
    position: 0,
    status: "blocked",
    attempt: 0,
    maxAttempts: 0,
    retrying: null,
    question: "",
    options: [],
    handovers: [],
    result: "",
    error: "",
    text: "",
    tools: [],
    spent: null,
    spans: [],
    startedAt: null,
    endedAt: null,
  };
}
