/** Why something stopped, failed or was left out. The log has it in English; a page says it in its own language. */

import { fill, gettext } from "../lib/i18n.js";
import { titleWords } from "./titles.js";

/**
 * What the engine says (groups/execution, groups/engine), and the same as a text of the page.
 *
 * @type {[RegExp, () => string][]}
 */
const SENTENCES = [
  [/^The run's cap of (?<amount>.+) is reached\.$/, () => gettext("The run's cap of %(amount)s is reached.")],
  [/^The agent's monthly cap of (?<amount>.+) is reached\.$/, () => gettext("The agent's monthly cap of %(amount)s is reached.")],
  [/^The group's monthly cap of (?<amount>.+) is reached\.$/, () => gettext("The group's monthly cap of %(amount)s is reached.")],
  [
    /^The installation's monthly cap of (?<amount>.+) is reached\.$/,
    () => gettext("The installation's monthly cap of %(amount)s is reached."),
  ],
  [/^The run's time limit of (?<amount>.+) s has passed\.$/, () => gettext("The run's time limit of %(amount)s s has passed.")],
  [/^It took longer than its time limit of (?<amount>.+) s\.$/, () => gettext("It took longer than its time limit of %(amount)s s.")],
  [/^'(?<title>.+?)' failed: (?<error>.+)$/s, () => gettext("“%(title)s” failed: %(error)s")],
  [/^It needs '(?<title>.+)', which was skipped\.$/, () => gettext("It needs “%(title)s”, which was skipped.")],
  [/^It needs '(?<title>.+)', which failed\.$/, () => gettext("It needs “%(title)s”, which failed.")],
  [/^It needs '(?<title>.+)', which cancelled\.$/, () => gettext("It needs “%(title)s”, which was cancelled.")],
  [/^The run has its result without it\.$/, () => gettext("The run has its result without it.")],
  // The end of what a person is asked: their part before, the task of the whole run after.
  [/^(?<first>.*?)Task of the run:(?<rest>.*)$/s, () => gettext("%(first)sTask of the run:%(rest)s")],
  [/^Nobody answered in time\.$/, () => gettext("Nobody answered in time.")],
  [/^Its worker was told to stop\.$/, () => gettext("Its worker was told to stop.")],
  [
    /^Its worker stopped answering; what it had done is unknown\.$/,
    () => gettext("Its worker stopped answering; what it had done is unknown."),
  ],
  [/^The agent ended without an answer\.$/, () => gettext("The agent ended without an answer.")],
  [/^The group has no members to give work to\.$/, () => gettext("The group has no members to give work to.")],
  [/^Only work can be handed over\.$/, () => gettext("Only work can be handed over.")],
  [
    /^It was handed over (?<times>\d+) times, and at most (?<most>\d+) are allowed\.$/,
    () => gettext("It was handed over %(times)s times, and at most %(most)s are allowed."),
  ],
  [/^It could not be handed over: (?<error>.+)$/s, () => gettext("It could not be handed over: %(error)s")],
  [
    /^'(?<name>.+)' is no other member of this group that can be given work, nor a tag of one\.$/,
    () => gettext("“%(name)s” is no other member of this group that can be given work, nor a tag of one."),
  ],
  [
    /^The leader answered with text where a plan was asked for\.$/,
    () => gettext("The leader answered with text where a plan was asked for."),
  ],
  [
    /^The agent answered with a plan where text was asked for\.$/,
    () => gettext("The agent answered with a plan where text was asked for."),
  ],
  [/^The output is longer than (?<n>[\d,]+) characters\.$/, () => gettext("The output is longer than %(n)s characters.")],
  [/^This server knows no agents of the kind '(?<name>.+)'\.$/, () => gettext("This server knows no agents of the kind “%(name)s”.")],
  [
    /^The server could not go on with this run; its log tells why\.$/,
    () => gettext("The server could not go on with this run; its log tells why."),
  ],
];

/**
 * How some values are said: "1,000 tokens" in the page's language; dollars and seconds are the same in all.
 *
 * @type {Record<string, (value: string) => string>}
 */
const VALUES = {
  amount(value) {
    const tokens = /^(.+) tokens$/.exec(value);
    return tokens ? fill(gettext("%(n)s tokens"), { n: tokens[1] }) : value;
  },
  title: titleWords,
  error: (value) => reasonWords(value),
};

/** What stands before the words of a task: a mark of a list, and whom it is for. */
const BEFORE = /^\s*(?:[-*+]|\d+[.)])?\s*(?:@[\p{L}\p{N}_.-]+[:,：，]?)?\s*/u;

/** What a task says, whomever it is for. @param {string} [task] */
const plain = (task = "") => task.replace(BEFORE, "").toLowerCase().replace(/\s+/g, " ").trim();

/**
 * The reason in the page's language; what an agent says in its own words stays as it is. A question that is the run's
 * whole task does not say the task again.
 *
 * @param {string} reason
 * @returns {string}
 */
export function reasonWords(reason) {
  for (const [pattern, words] of SENTENCES) {
    const found = pattern.exec(reason);
    if (!found) continue;
    const { first, rest } = found.groups ?? {};
    if (rest && plain(first) === plain(rest)) return (first ?? "").trim();
    const values = Object.entries(found.groups ?? {}).map(([name, value]) => [name, VALUES[name]?.(value) ?? value]);
    return fill(words(), Object.fromEntries(values));
  }
  return reason;
}
