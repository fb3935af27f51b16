/**
 * Known causes of failures: what the log says, what it most likely means, and what to do about it. Pure.
 *
 * The log has its sentences in English (`groups/agents`, `groups/execution`); a pattern names one family of them. The
 * first that fits is taken, so the particular stand before the general.
 *
 * @import { Subtask, View } from "../types.d.ts"
 * @typedef {"agent" | "settings" | "group" | "tools" | ""} Place Where it is set right.
 * @typedef {{id: string, pattern: RegExp, words: () => string, advice: () => string, place: Place}} Cause
 */

import { gettext } from "../lib/i18n.js";

/** @param {string} id @param {RegExp} pattern @param {Place} place @param {() => string} words @param {() => string} advice @returns {Cause} */
const cause = (id, pattern, place, words, advice) => ({ id, pattern, words, advice, place });

/** @type {readonly Cause[]} */
export const CAUSES = [
  cause("key-refused", /refused the key|refused: .*(401|403)/, "agent",
    () => gettext("The provider refused the agent's key."),
    () => gettext("Give the agent a key that is valid and may use this model, test it on its page, then retry.")),
  cause("key-missing", /has no key for/, "agent",
    () => gettext("The agent has no key."),
    () => gettext("Give it the secret api_key on its page, or a base_url that needs none, then retry.")),
  cause("model-unknown", /is not known there/, "agent",
    () => gettext("The provider has no model of that name."),
    () => gettext("Look for a typing error in model and base_url on the agent's page; its test lists what went wrong.")),
  cause("quota", /quota or credit is used up/, "agent",
    () => gettext("The account at the provider has no credit left."),
    () => gettext("Top it up there, or give the agent another model, then retry: what is done stays done.")),
  cause("rate", /has too many requests|\b429\b/, "agent",
    () => gettext("The provider limits how often it may be asked."),
    () => gettext("It is tried again by itself, after the pause that the provider asks for. If it keeps happening, lower how much the agent does at once.")),
  cause("context", /longer than the window of/, "agent",
    () => gettext("What was sent does not fit into the model."),
    () => gettext("Shorten task, instructions or attachments, split the work into more subtasks, or set context_window to the model's true size.")),
  cause("filter", /content filter/, "agent",
    () => gettext("The provider's content filter stopped the answer."),
    () => gettext("Word the task or the agent's instructions otherwise, or give the agent another model.")),
  cause("not-connected", /No process of this agent was connected|its process has to dial in/, "agent",
    () => gettext("The agent's own program is not connected."),
    () => gettext("Start it where it runs; the agent's page shows the command and what connected last. Then retry.")),
  cause("tool-server", /tool server '.*' (cannot be used|.*did not|.*is)|server has no tool/, "tools",
    () => gettext("A tool server is away, or does not offer that tool any more."),
    () => gettext("Test it on its page; agents go on without it meanwhile, or take back the grant.")),
  cause("host-not-allowed", /is not among the hosts/, "agent",
    () => gettext("The agent wanted to fetch from a host that it may not ask."),
    () => gettext("Add the host to what the agent is granted, if it should be able to.")),
  cause("agent-cap", /The agent's monthly cap/, "agent",
    () => gettext("The agent has used what it may use this month."),
    () => gettext("Raise its cap on its page, or give the work to another agent, then retry.")),
  cause("group-cap", /The group's monthly cap/, "settings",
    () => gettext("The group has used what it may use this month."),
    () => gettext("Raise its cap in the group's settings, then retry.")),
  cause("cap", /monthly cap|run's cap|Nothing is left of a cap/, "",
    () => gettext("A cap was reached."),
    () => gettext("Raise it in the box on this page and resume: what is done stays done, and counts.")),
  cause("run-time", /run's time limit of .* has passed/, "group",
    () => gettext("The run took longer than it may."),
    () => gettext("Run it again with a longer time limit, or with less to do; time that people are waited for does not count.")),
  cause("subtask-time", /longer than its time limit|did not finish its answer|did not begin to answer|stopped answering for/, "agent",
    () => gettext("The agent was too slow."),
    () => gettext("Give the subtask less to do or the agent a quicker model; limits of a model stand on the agent's page.")),
  cause("lost", /worker stopped answering/, "",
    () => gettext("The worker that carried it out died or was cut off."),
    () => gettext("Its work is given to another by itself. If it happens again and again, look at the server's memory and its log.")),
  cause("unreachable", /There is no connection to|The connection to .* broke off|cannot be reached|cannot be asked|is said to be elsewhere|is not known: /, "agent",
    () => gettext("There is no way to the agent's server."),
    () => gettext("Check its address on the agent's page, and that something listens there; private addresses have to be allowed by whoever runs Stars.")),
  cause("provider-down", /cannot answer now/, "agent",
    () => gettext("The provider has trouble at the moment."),
    () => gettext("It is tried again by itself; later a retry takes up only what failed.")),
  cause("not-its-protocol", /is not its protocol|is not A2A|is not JSON|cannot be read\./, "agent",
    () => gettext("What answers there does not speak the agent's protocol."),
    () => gettext("Check the address and the kind of the agent, then test it on its page.")),
  cause("rejected", /rejected the request|rejected the task/, "agent",
    () => gettext("The other side rejects the request as it stands."),
    () => gettext("Its own words below say why; most often a setting of the agent is not supported there.")),
  cause("sign-in", /signed in to something else/, "agent",
    () => gettext("The remote agent wants to be signed in elsewhere."),
    () => gettext("Do that where it runs, or store the credentials that it needs among the agent's secrets, then retry.")),
  cause("plan-circle", /wait for each other/, "group",
    () => gettext("The leader's plan goes in a circle."),
    () => gettext("Retry lets it plan again. A clearer task, or a stronger model for the leader, helps.")),
  cause("plan", /plan is (invalid|misshapen)|plan cannot be used|where a plan was asked for|no usable/, "group",
    () => gettext("The leader did not come up with a usable plan."),
    () => gettext("Retry lets it plan again. Say in the task what the parts are, or give the leader a stronger model.")),
  cause("nobody", /no longer a member|is an observer now|no members to give work|no other member of this group/, "group",
    () => gettext("Nobody in the group may do this work."),
    () => gettext("Let an agent with that name or tag join the group as a worker, then retry.")),
  cause("unanswered", /Nobody answered in time/, "group",
    () => gettext("A person was asked and did not answer in time."),
    () => gettext("Questions wait in the inbox; retry asks again.")),
  cause("extra", /install Stars with its extra/, "",
    () => gettext("This server lacks what agents of that kind need."),
    () => gettext("Whoever runs Stars installs the extra that is named, and starts it again.")),
  cause("scripted", /Scripted failure/, "agent",
    () => gettext("This agent is told to fail: its script says so."),
    () => gettext("It shows how failures look. Take the script out of its settings to have it work.")),
  cause("server", /server could not go on/, "",
    () => gettext("The server could not write this run."),
    () => gettext("Its log tells why: most often the disk is full or the database away. Then retry.")),
  cause("dependency", /^It needs '/, "",
    () => gettext("Work was skipped, since what it needs did not succeed."),
    () => gettext("Set right what failed, then retry: what was skipped is taken up along with it.")),
  cause("remote", /^The (A2A agent|webhook|agent's process)/, "agent",
    () => gettext("The agent's own program gave up."),
    () => gettext("Its words below, and its log where it runs, say why; a retry asks it again.")),
];

/** @param {string} text */
export const causeOf = (text) => CAUSES.find(({ pattern }) => pattern.test(text)) ?? null;

/** How many causes are shown. */
const MOST = 4;

/**
 * The likely causes of what went wrong, each once, with the subtasks where it did; nothing while nothing has.
 *
 * @param {View} view
 * @returns {{cause: Cause, agentId: string, subtasks: Subtask[], said: string}[]}
 */
export function likelyCauses(view) {
  /** @type {Map<string, {cause: Cause, agentId: string, subtasks: Subtask[], said: string}>} */
  const found = new Map();
  /** @param {string} said @param {Subtask | null} subtask */
  const look = (said, subtask) => {
    const cause = said ? causeOf(said) : null;
    if (!cause) return;
    const agentId = subtask?.agentId ?? "";
    const key = cause.place === "agent" ? `${cause.id} ${agentId}` : cause.id;
    const one = found.get(key) ?? { cause, agentId, subtasks: [], said };
    if (subtask) one.subtasks.push(subtask);
    found.set(key, one);
  };
  if (view.status !== "cancelled") {
    for (const subtask of Object.values(view.subtasks)) {
      if (subtask.status === "failed" || subtask.status === "skipped") look(subtask.error, subtask);
      else if (subtask.retrying) look(subtask.retrying.error, subtask);
    }
    if (view.stopReason) look(view.stopReason, null);
    if (!found.size) look(view.error, null);
  }
  // What is but a consequence comes last.
  const all = [...found.values()].toSorted((a, b) => Number(a.cause.id === "dependency") - Number(b.cause.id === "dependency"));
  return all.slice(0, MOST);
}
