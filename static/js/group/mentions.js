/**
 * Completing mentions: `@agent`, `@role:worker`, `@tag:python`, `@all`. What counts as one is said by
 * `groups/execution/mentions.py`; this finds what is being written at the caret, and what it could become. Pure.
 */

/**
 * @typedef {{id: string, name: string, role: string, tags: string[]}} Named
 * @typedef {{start: number, end: number, text: string}} Query where the mention being written stands, and what follows its @
 * @typedef {{value: string, kind: "agent" | "role" | "tag" | "all", about: string, count: number}} Choice
 */

/** What may stand in a mention after its @; a wide ＠ comes from Chinese keyboards. */
const WRITTEN = /(?:^|[^A-Za-z0-9_@＠./`])[@＠]((?:(?:role|tag):)?[^\s@＠:,;!?()[\]{}<>"'`*，。；：！？、（）]{0,64})$/u;
/** How many are offered at once. */
const MOST = 8;

/**
 * The mention that is being written where the caret stands; null when none is.
 * @param {string} text
 * @param {number} caret
 * @returns {Query | null}
 */
export function queryAt(text, caret) {
  const before = text.slice(Math.max(0, caret - 80), caret);
  const written = WRITTEN.exec(before)?.[1];
  if (written === undefined || inCode(text.slice(0, caret))) return null;
  return { start: caret - written.length - 1, end: caret, text: written };
}

/** Whether a text ends within code, where nothing is a mention. @param {string} text */
function inCode(text) {
  if ((text.match(/```/g) ?? []).length % 2) return true;
  const line = text.slice(text.lastIndexOf("\n") + 1);
  return ((line.match(/`/g) ?? []).length - 3 * (line.match(/```/g) ?? []).length) % 2 === 1;
}

/**
 * Whom it could mean, the best first.
 * @param {string} written
 * @param {Named[]} members
 * @returns {Choice[]}
 */
export function choices(written, members) {
  const wanted = written.toLowerCase();
  /** @type {{choice: Choice, rank: number}[]} */
  const found = [];
  for (const choice of all(members)) {
    const rank = fit(wanted, choice);
    if (rank < 9) found.push({ choice, rank });
  }
  // Sorting keeps equals in their order: the group's.
  return found
    .toSorted((one, other) => one.rank - other.rank)
    .slice(0, MOST)
    .map(({ choice }) => choice);
}

/** @type {(members: Named[]) => Choice[]} */
function all(members) {
  /** @type {Map<string, number>} */
  const roles = new Map();
  /** @type {Map<string, number>} */
  const tags = new Map();
  for (const { role, tags: own } of members) {
    roles.set(role, (roles.get(role) ?? 0) + 1);
    for (const tag of own) if (!/\s/u.test(tag)) tags.set(tag, (tags.get(tag) ?? 0) + 1);
  }
  return [
    ...members.map((each) => choice(each.id, "agent", each.name, 1)),
    choice("all", "all", "", members.length),
    ...[...roles].map(([role, count]) => choice(`role:${role}`, "role", "", count)),
    ...[...tags].map(([tag, count]) => choice(`tag:${tag}`, "tag", "", count)),
  ];
}

/** @type {(value: string, kind: Choice["kind"], about: string, count: number) => Choice} */
const choice = (value, kind, about, count) => ({ value, kind, about, count });

/** How well it fits, 0 best, 9 not at all. @type {(wanted: string, choice: Choice) => number} */
function fit(wanted, { value, kind, about }) {
  const name = value.toLowerCase();
  const bare = name.replace(/^(role|tag):/, "");
  if (name.startsWith(wanted)) return kind === "agent" ? 0 : 1;
  if (bare.startsWith(wanted)) return 2;
  if (name.split(/[-_.:]/).some((word) => word.startsWith(wanted))) return 3;
  if (about.toLowerCase().split(/\s+/).some((word) => word.startsWith(wanted)) || (wanted.length > 2 && name.includes(wanted))) return 4;
  return 9;
}

/**
 * The text with the choice in place of what was written, and where the caret stands then: after a blank.
 * @param {string} text
 * @param {Query} query
 * @param {Choice} chosen
 * @returns {{text: string, caret: number}}
 */
export function completed(text, query, chosen) {
  const after = text.slice(query.end);
  const blank = /^\s/.test(after) ? "" : " ";
  const before = `${text.slice(0, query.start)}@${chosen.value}${blank}`;
  return { text: before + after, caret: before.length + (blank ? 0 : 1) };
}
