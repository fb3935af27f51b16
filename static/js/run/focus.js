/**
 * What the run page looks at: which view, which subtask, agent and event, which moment of the past, which filters.
 * One object that every part shares, mirrored to the address, so that a reload or a shared link shows the same.
 *
 * Parts read its fields, change them with `set` (or `pick`, which names one thing and forgets the others), and are
 * told by `follow(focus, changed)`. Values that say nothing (the defaults) do not stand in the address.
 */

/** @typedef {"story" | "timeline" | "graph" | "log" | "report"} ViewName */
/**
 * @typedef {object} Fields
 * @property {ViewName | ""} view - the tab that was chosen; "": none was, and `openView` says which is open
 * @property {string} subtask - the id of the subtask in focus; "" for none
 * @property {string} agent - the id of the agent in focus; "" for none
 * @property {number | null} seq - the number of the event in focus
 * @property {number | null} at - the event up to which the log is shown; null: all of it, live
 * @property {number} speed - how fast a replay plays
 * @property {string[]} agents - the log shows what these did; empty: everybody
 * @property {string[]} types - the log shows these kinds of events; empty: all
 * @property {string} q - the log shows what holds these words
 * @property {boolean | null} idle - whether stretches in which nothing happened are left out of the timeline and of
 *   replays; null: nobody chose, and they are where they are most of the run
 * @property {number | null} from - the timeline shows from here on, in milliseconds since the run was queued
 * @property {number | null} to - and up to here
 */
/** @typedef {keyof Fields} FieldName */
/** @typedef {{subtask?: string | null, agent?: string | null, seq?: number | null}} Thing */

/** @type {readonly ViewName[]} */
export const VIEWS = ["story", "timeline", "graph", "log", "report"];
export const SLOWEST = 0.1;
export const FASTEST = 20;
/** Browsers refuse a script that changes the address all the time, as a replay would. */
const WRITE_EVERY = 300;

/** @param {string} value */
const wholeNumber = (value) => (/^\d{1,15}$/.test(value) ? Number(value) : undefined);
/** @param {string} value */
const list = (value) => value.split(",").filter(Boolean);

/** How each field is read from the address; undefined: that is no such value. */
const READ = {
  /** @param {string} value */
  view: (value) => VIEWS.find((name) => name === value),
  /** @param {string} value */
  subtask: (value) => value,
  /** @param {string} value */
  agent: (value) => value,
  seq: wholeNumber,
  at: wholeNumber,
  /** @param {string} value */
  speed: (value) => {
    const speed = Number(value);
    return speed >= SLOWEST && speed <= FASTEST ? speed : undefined;
  },
  agents: list,
  types: list,
  /** @param {string} value */
  q: (value) => value,
  /** @param {string} value */
  /** @param {string} value */
  idle: (value) => (value === "1" ? true : value === "0" ? false : undefined),
  from: wholeNumber,
  to: wholeNumber,
};
const NAMES = /** @type {FieldName[]} */ (Object.keys(READ));

/** What there is before anybody chose anything. @returns {Fields} */
const defaults = () => ({
  view: "",
  subtask: "",
  agent: "",
  seq: null,
  at: null,
  speed: 1,
  agents: [],
  types: [],
  q: "",
  idle: null,
  from: null,
  to: null,
});

/**
 * The fields as an address says them; what it does not say, or says wrongly, is as by default.
 * @param {string} search - `location.search`
 * @returns {Fields}
 */
export function readFields(search) {
  const query = new URLSearchParams(search);
  /** @type {Record<string, unknown>} */
  const fields = { ...defaults() };
  for (const name of NAMES) {
    const value = query.get(name);
    if (value === null) continue;
    const read = READ[name](value);
    if (read !== undefined) fields[name] = read;
  }
  return /** @type {Fields} */ (/** @type {unknown} */ (fields));
}

/**
 * The query that says these fields. What else stood in it stays.
 * @param {Fields} fields
 * @param {string} [search] - the query as it is
 * @returns {string} "" or what begins with "?"
 */
export function writeFields(fields, search = "") {
  const query = new URLSearchParams(search);
  const plain = defaults();
  // Taken out and put back, so that the same always stands in the same order.
  for (const name of NAMES) query.delete(name);
  for (const name of NAMES) {
    const value = asText(fields[name]);
    if (value !== asText(plain[name])) query.set(name, value);
  }
  const text = query.toString().replaceAll("%2C", ",");
  return text && `?${text}`;
}

/**
 * The view that is open: the chosen one; where none was, the report as soon as there is one, and until then the story.
 * @param {ViewName | ""} chosen
 * @param {{reported: boolean, isReading: boolean, isLooking: boolean}} now - whether there is a report; whoever reads the
 *   story when it comes, or looks at something in particular, is left with the story
 * @returns {ViewName}
 */
export function openView(chosen, { reported, isReading, isLooking }) {
  return chosen || (reported && !isReading && !isLooking ? "report" : "story");
}

/** @param {Fields[FieldName]} value */
function asText(value) {
  if (value === null) return "";
  if (typeof value === "boolean") return value ? "1" : "0";
  return String(value); // a list by its commas
}

/** The page's place of looking; emits `change` with `detail`: the Set of the names of the fields that changed. */
export class Focus extends EventTarget {
  /** @type {Fields} */
  #fields;
  /** @type {{replace: (search: string) => void, later: (write: () => void) => void, search: () => string}} */
  #page;
  #writing = false;
  #mostlyIdle = false;

  /** @param {{replace: (search: string) => void, later: (write: () => void) => void, search: () => string}} page */
  constructor(page) {
    super();
    this.#page = page;
    this.#fields = readFields(page.search());
  }

  get view() {
    return this.#fields.view;
  }

  get subtask() {
    return this.#fields.subtask;
  }

  get agent() {
    return this.#fields.agent;
  }

  get seq() {
    return this.#fields.seq;
  }

  get at() {
    return this.#fields.at;
  }

  get speed() {
    return this.#fields.speed;
  }

  get agents() {
    return this.#fields.agents;
  }

  get types() {
    return this.#fields.types;
  }

  get q() {
    return this.#fields.q;
  }

  /** Whether idle stretches are left out. */
  get idle() {
    return this.#fields.idle ?? this.#mostlyIdle;
  }

  /** Whether they are because of the run, and not because somebody chose so. */
  get idleByItself() {
    return this.#fields.idle === null && this.#mostlyIdle;
  }

  /** What holds of idle stretches unless somebody chooses: whether they are most of the run. @param {boolean} mostly */
  suggestIdle(mostly) {
    if (mostly === this.#mostlyIdle) return;
    this.#mostlyIdle = mostly;
    if (this.#fields.idle === null) this.dispatchEvent(new CustomEvent("change", { detail: new Set(["idle"]) }));
  }

  get from() {
    return this.#fields.from;
  }

  get to() {
    return this.#fields.to;
  }

  /**
   * Change these fields; whoever listens is told once, if anything is different.
   * @param {Partial<Fields>} changes
   */
  set(changes) {
    /** @type {Set<FieldName>} */
    const changed = new Set();
    for (const name of /** @type {FieldName[]} */ (Object.keys(changes))) {
      const value = changes[name];
      if (value !== undefined && asText(value) !== asText(this.#fields[name])) changed.add(name);
    }
    if (!changed.size) return;
    this.#fields = { ...this.#fields, ...changes };
    this.#write();
    this.dispatchEvent(new CustomEvent("change", { detail: changed }));
  }

  /**
   * Put one thing into focus and forget what was: an event (with its subtask and agent), a subtask, or an agent.
   * @param {Thing} [thing] - nothing: nothing is in focus any more
   */
  pick({ subtask, agent, seq } = {}) {
    this.set({ subtask: subtask ?? "", agent: agent ?? "", seq: seq ?? null });
  }

  /**
   * Whether a thing is in focus, and is to be marked: the subtask that is looked at, or whatever an agent does when
   * only an agent is looked at.
   * @param {Thing} thing
   */
  marks({ subtask, agent }) {
    if (this.subtask) return subtask === this.subtask;
    return this.agent !== "" && agent === this.agent;
  }

  /** The query that says all this, for a link to share. */
  get search() {
    return writeFields(this.#fields, this.#page.search());
  }

  #write() {
    if (this.#writing) return;
    this.#writing = true;
    this.#page.later(() => {
      this.#writing = false;
      this.#page.replace(this.search);
    });
  }
}

/** The focus of this page, kept in its address; the entry in the history stays one, so "back" leaves the page. */
export const pageFocus = () =>
  new Focus({
    search: () => location.search,
    later: (write) => {
      setTimeout(write, WRITE_EVERY);
    },
    replace: (search) => history.replaceState(history.state, "", location.pathname + search + location.hash),
  });
