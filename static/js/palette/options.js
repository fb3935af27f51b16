/** What the palette shows for a query: commands ranked here, hits ranked by the server; DOM-free. */

import { fill, gettext } from "../lib/i18n.js";
import { places, rank } from "../lib/fuzzy.js";

/**
 * Something that can be chosen.
 * @typedef {object} Option
 * @property {string} title
 * @property {string} [text] said beside it
 * @property {string} [also] what else it is found by
 * @property {string} icon
 * @property {string} [keys] its shortcut
 * @property {string} [url] where it leads
 * @property {() => void} [run] what it does instead
 * @property {boolean} [asked] shown only when something is searched for
 * @property {string} [status] of a run
 * @property {string} [at] when
 * @property {[number, number][]} [marks] where the query stands in its title
 */

/**
 * @typedef {object} Section
 * @property {string} title
 * @property {Option[]} options
 */

/**
 * A hit as REST tells it.
 * @typedef {{ kind: string, id: string, title: string, text: string, group: string, status: string, at: string, url: string }} Hit
 */

/** Options of the page and of commands at most, while something is searched for. */
const MOST = 6;
/** Things visited that are offered before anything is searched for, and that are remembered. */
const RECENT = 5;
const REMEMBERED = 12;

const KINDS = {
  groups: { title: gettext("Groups"), icon: "star" },
  agents: { title: gettext("Agents"), icon: "agent" },
  runs: { title: gettext("Runs"), icon: "play" },
  states: { title: gettext("States"), icon: "layers" },
  messages: { title: gettext("Messages"), icon: "send" },
};

/**
 * Everything to choose from: what was used lately and all commands before a query, else the commands that match and
 * what the server found.
 * @param {string} query
 * @param {{ here: Option[], commands: Option[], recent: Option[], found: Section[], searchUrl: string }} from
 * @returns {Section[]}
 */
export function sections(query, { here, commands, recent, found, searchUrl }) {
  const asked = query.trim();
  if (!asked) {
    return full([
      { title: gettext("Lately"), options: recent.slice(0, RECENT) },
      { title: gettext("On this page"), options: here },
      { title: gettext("Commands"), options: commands.filter((each) => !each.asked) },
    ]);
  }
  const own = rank(asked, [...here, ...commands], ({ title, also = "", keys = "" }) => [title, also, keys]);
  const shown = own.slice(0, MOST).map(({ item, marks }) => ({ ...item, marks }));
  const everywhere = {
    title: fill(gettext("Search everywhere for “%(query)s”"), { query: asked }),
    icon: "search",
    url: `${searchUrl}?q=${encodeURIComponent(asked)}`,
  };
  return full([
    { title: gettext("Commands"), options: shown },
    ...found,
    { title: gettext("More"), options: [everywhere] },
  ]);
}

/** @param {Section[]} all */
const full = (all) => all.filter(({ options }) => options.length);

/**
 * What the server found, kind by kind.
 * @param {string} query
 * @param {Record<string, { hits: Hit[] }>} answer
 * @returns {Section[]}
 */
export function hits(query, answer) {
  return Object.entries(KINDS).map(([kind, { title, icon }]) => ({
    title,
    options: (answer[kind]?.hits ?? []).map((hit) => ({
      title: hit.title,
      text: [kind === "groups" || kind === "agents" ? hit.id : hit.group, hit.text].filter(Boolean).join(" · "),
      icon,
      url: pathOf(hit.url),
      status: kind === "runs" ? hit.status : "",
      at: hit.at,
      marks: places(query, hit.title),
    })),
  }));
}

/** The address within this site: behind a proxy the server may know itself by another name. @param {string} url */
const pathOf = (url) => {
  const { pathname, search, hash } = new URL(url, "http://stars.invalid");
  return pathname + search + hash;
};

/**
 * The list of what was used lately, with one more at its head.
 * @param {Option[]} recent
 * @param {Option} option
 */
export function remembering(recent, { title, text = "", icon, url = "" }) {
  if (!url || icon === "search") return recent;
  return [{ title, text, icon, url }, ...recent.filter((each) => each.url !== url)].slice(0, REMEMBERED);
}

/**
 * Where the choice goes from `at`: around at either end.
 * @param {number} at
 * @param {number} by
 * @param {number} count
 */
export const moved = (at, by, count) => (count ? (at + by + count) % count : 0);
