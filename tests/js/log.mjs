// Makes logs for tests: say(type, data, subtask, agent) adds the next event.
export function newLog() {
  const events = [];
  const start = Date.UTC(2026, 2, 4, 5, 6, 7);
  const say = (type, data = {}, subtask = null, agent = null) => {
    const seq = events.length + 1;
    const at = new Date(start + seq * 100).toISOString();
    events.push({ seq, type, at, agent_id: agent, subtask, data });
  };
  return { events, say };
}

export const item = (key, ...needs) => ({
  id: `id-${key}`,
  key,
  title: key.toUpperCase(),
  instructions: `Do ${key}`,
  assignee: "wim",
  depends_on: needs,
});

/** A run whose plan of `items` stands, nothing of it begun. */
export function planned(items, approval = false) {
  const log = newLog();
  const { say } = log;
  const plan = { subtasks: items, note: "Because." };
  say("run.queued", { task: "Count", mode: "leader_worker", failure_policy: "stop", approve_plan: approval, by: "ada" });
  say("subtask.ready", { key: "plan", kind: "plan", title: "Plan", assignee: "lena" }, "p", "lena");
  say("run.started");
  say("subtask.started", { attempt: 1, max_attempts: 3 }, "p", "lena");
  say("plan.proposed", { plan, approval_required: approval }, "p", "lena");
  say("subtask.completed", { result: "Because." }, "p", "lena");
  return { ...log, plan };
}

export const ready = (key) => ["subtask.ready", { key, kind: "work", title: key.toUpperCase(), assignee: "wim" }, `id-${key}`, "wim"];
export const started = (key, attempt = 1) => ["subtask.started", { attempt, max_attempts: 3 }, `id-${key}`, "wim"];
