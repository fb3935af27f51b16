/**
 * What the members of a group are at, kept up to date from the logs of its runs. Pure: facts and events go in, what
 * each member is at and what passed between whom come out.
 */

/**
 * @typedef {{id: string, name: string, kind: string, role: string, tags: string[], away: boolean, failing: boolean,
 *   load: number, most: number}} MemberFact
 * @typedef {{id: string, status: string, seq: number, task: string, mode: string}} RunFact
 * @typedef {{id: string, run: string, agent: string, status: string}} ActiveFact
 * @typedef {{between: [string, string], messages: number}} LineFact
 * @typedef {{id: number, from: string, to: string[]}} NewsFact
 * @typedef {{members: MemberFact[], runs: RunFact[], active: ActiveFact[], lines: LineFact[], news: NewsFact[]}} Facts
 * @typedef {{type: string, seq: number, agent_id: string | null, subtask: string | null,
 *   data: Record<string, any>}} RunEvent
 * @typedef {{members: Map<string, MemberFact>, leader: string, runs: Map<string, RunFact>,
 *   active: Map<string, {run: string, agent: string, status: string}>, lines: Map<string, number>, news: number}} Sky
 * @typedef {"message" | "subtask" | "result" | "failure" | "text"} What
 * @typedef {{from: string, to: string, what: What}} Passing something that went from one member to another; with the
 *   same name twice it shows at that star alone
 * @typedef {{word: "idle" | "working" | "waiting" | "paused" | "failing" | "away", count: number}} Standing
 */

const ENDS = new Set(["run.completed", "run.failed", "run.cancelled"]);

/** One name for a line, whichever way round. @type {(one: string, other: string) => string} */
export const lineKey = (one, other) => (one < other ? `${one} ${other}` : `${other} ${one}`);

/**
 * The sky as the server tells it.
 * @param {Facts} facts
 * @returns {Sky}
 */
export function begin(facts) {
  return {
    members: new Map(facts.members.map((each) => [each.id, { ...each }])),
    leader: facts.members.find(({ role }) => role === "leader")?.id ?? "",
    runs: new Map(facts.runs.map((run) => [run.id, { ...run }])),
    active: new Map(facts.active.map(({ id, run, agent, status }) => [id, { run, agent, status }])),
    lines: new Map(facts.lines.map(({ between, messages }) => [lineKey(...between), messages])),
    news: Math.max(0, ...facts.news.map(({ id }) => id)),
  };
}

/** A run whose log is longer when it is first heard of is not told from its beginning. */
const SHORT = 500;

/**
 * The sky as the server tells it now, where the logs have told no more meanwhile: facts may be older than these. A run
 * that has just begun is told by its log from the first event on, so that nothing of it passes unseen.
 * @param {Sky} before
 * @param {Facts} facts
 * @returns {Sky}
 */
export function renew(before, facts) {
  const sky = begin(facts);
  for (const [id, run] of sky.runs) {
    const known = before.runs.get(id);
    const fresh = !known && run.seq <= SHORT;
    if (!fresh && (!known || known.seq <= run.seq)) continue;
    run.seq = known?.seq ?? 0;
    for (const [key, { run: of }] of sky.active) if (of === id) sky.active.delete(key);
    for (const [key, entry] of before.active) if (entry.run === id) sky.active.set(key, entry);
  }
  return sky;
}

/**
 * The messages that are in `facts` and were not in the sky before, as they pass, oldest first.
 * @param {Sky} before
 * @param {Facts} facts
 * @returns {Passing[]}
 */
export function arrived(before, facts) {
  const fresh = facts.news.filter(({ id }) => id > before.news).toSorted((one, other) => one.id - other.id);
  const leader = facts.members.find(({ role }) => role === "leader")?.id ?? "";
  const known = new Set(facts.members.map(({ id }) => id));
  return fresh.flatMap(({ from, to }) => {
    // What is for everyone goes over the leader.
    const everyone = from === leader || !known.has(from) ? [...known] : [leader];
    return (to.length ? to : everyone)
      .filter((name) => known.has(name) && name !== from)
      .map((name) => passing(known.has(from) ? from : name, name, "message"));
  });
}

/**
 * What the events of a run change; `status` is the run's after them. The sky is changed.
 * @param {Sky} sky
 * @param {string} runId
 * @param {RunEvent[]} events
 * @param {string} status
 * @returns {Passing[]}
 */
export function follow(sky, runId, events, status) {
  const run = sky.runs.get(runId);
  /** @type {Passing[]} */
  const passed = [];
  for (const event of events) {
    if (run && event.seq <= run.seq) continue;
    if (run) run.seq = event.seq;
    if (ENDS.has(event.type)) end(sky, runId);
    else if (event.agent_id) passed.push(...one(sky, runId, event, event.agent_id));
  }
  if (run) run.status = status;
  return passed.filter(({ from, to }) => sky.members.has(from) && sky.members.has(to));
}

/** @type {(sky: Sky, runId: string) => void} */
function end(sky, runId) {
  sky.runs.delete(runId);
  for (const [id, { run }] of sky.active) if (run === runId) sky.active.delete(id);
}

/** @type {(from: string, to: string, what: What) => Passing} */
const passing = (from, to, what) => ({ from, to, what });

/**
 * @param {Sky} sky
 * @param {string} run
 * @param {RunEvent} event
 * @param {string} agent
 * @returns {Passing[]}
 */
function one(sky, run, { type, subtask, data }, agent) {
  const member = sky.members.get(agent);
  const id = subtask ?? "";
  const back = sky.leader || agent;
  if (type === "text.delta") return [passing(agent, agent, "text")];
  if (type === "subtask.started") {
    sky.active.set(id, { run, agent, status: "running" });
    return [passing(back, agent, "subtask")];
  }
  if (type === "subtask.waiting") sky.active.set(id, { run, agent, status: "waiting" });
  if (type === "subtask.retrying") sky.active.set(id, { run, agent, status: "ready" });
  if (type === "subtask.skipped") sky.active.delete(id);
  if (type === "subtask.handed_over") {
    sky.active.delete(id);
    return [passing(agent, data.to, "subtask")];
  }
  if (type === "subtask.completed" || type === "subtask.failed") {
    const failed = type === "subtask.failed";
    sky.active.delete(id);
    if (member) member.failing = failed;
    return [passing(agent, back, failed ? "failure" : "result")];
  }
  return [];
}

/**
 * What a member is at; of several things the one that somebody should know first.
 * @param {Sky} sky
 * @param {string} id
 * @returns {Standing}
 */
export function standing(sky, id) {
  const member = sky.members.get(id);
  const mine = [...sky.active.values()].filter(({ agent }) => agent === id);
  const runs = [...sky.runs.values()];
  const plans = id === sky.leader ? runs.filter(({ status }) => status === "awaiting_approval").length : 0;
  const waiting = mine.filter(({ status }) => status === "waiting").length + plans;
  const running = mine.filter(({ status }) => status === "running").length;
  const paused = mine.filter(({ run }) => sky.runs.get(run)?.status === "paused").length;
  if (member?.away) return { word: "away", count: 0 };
  if (waiting) return { word: "waiting", count: waiting };
  if (running) return { word: "working", count: running };
  if (paused) return { word: "paused", count: paused };
  return { word: member?.failing ? "failing" : "idle", count: 0 };
}
