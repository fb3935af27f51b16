/**
 * The log as one conversation: blocks in the order in which they began. Each attempt at a subtask is a turn of its
 * agent, to which all that the attempt says and does belongs, however much of others' work came in between.
 *
 * Built once as events come in. Everything in it knows its event, so that the story as of any moment is told by
 * leaving out what came later (`shownAt`, `turnAt`), without building it anew. Pure: no DOM, no clock.
 */

/** @import { EventOf, Plan, RunEvent, SubtaskKind } from "../types.d.ts" */

/**
 * @typedef {object} TextPart
 * @property {"text"} kind
 * @property {number} seq - the event with which it began
 * @property {string} text
 * @property {number[]} seqs - the events it is of
 * @property {number[]} ends - how long it was after each
 */
/**
 * @typedef {object} ToolPart
 * @property {"tool"} kind
 * @property {number} seq
 * @property {EventOf<"tool.started">} started
 * @property {EventOf<"tool.finished"> | null} finished
 */
/**
 * @typedef {object} QuestionPart
 * @property {"question"} kind
 * @property {number} seq
 * @property {EventOf<"subtask.waiting">} asked
 * @property {EventOf<"subtask.ready"> | null} answered
 */
/** @typedef {{kind: "fact", seq: number, event: RunEvent}} FactPart a message, a handover, a state that changed */
/** @typedef {TextPart | ToolPart | QuestionPart | FactPart} Part */
/** @typedef {"running" | "waiting" | "retrying" | "completed" | "failed" | "handed_over" | "cancelled"} TurnStatus */
/**
 * @typedef {object} Turn
 * @property {"turn"} kind
 * @property {string} key - unlike any other's, the same after a reload
 * @property {number} seq - the event that began it
 * @property {number} last - the last event that belongs to it
 * @property {string} at
 * @property {string} subtask
 * @property {SubtaskKind} does
 * @property {string} title
 * @property {string} agent
 * @property {number} attempt
 * @property {number} max
 * @property {Part[]} parts
 * @property {{seq: number, at: string, status: TurnStatus, event: RunEvent}[]} course - how it stood from when on
 * @property {{seq: number, tokens: number}[]} used
 */
/**
 * @typedef {object} Note something about the run as a whole; `kind` says how it is shown
 * @property {"task" | "plan" | "note"} kind
 * @property {string} key
 * @property {number} seq
 * @property {number} last
 * @property {RunEvent} event
 * @property {string} title - of the subtask it is about; may be empty
 * @property {{seq: number, plan: Plan}[]} plans - of a plan: how it stood from when on
 * @property {Plan | null} before - of an approval: the plan as it stood until then
 */
/** @typedef {Turn | Note} Block */

/** How a turn stands after an event of its subtask. @type {Record<string, TurnStatus>} */
const STATUS = {
  "subtask.waiting": "waiting",
  "subtask.retrying": "retrying",
  "subtask.completed": "completed",
  "subtask.failed": "failed",
  "subtask.handed_over": "handed_over",
};
/** @type {Record<string, Note["kind"]>} */
const NOTES = {
  "run.queued": "task",
  "plan.proposed": "plan",
  "plan.approved": "note",
  "plan.changed": "plan",
  "votes.counted": "note",
  "budget.reached": "note",
  "budget.raised": "note",
  "budget.unpriced": "note",
  "callback.refused": "note",
  "subtask.skipped": "note",
  "run.paused": "note",
  "run.resumed": "note",
  "run.completed": "note",
  "run.failed": "note",
  "run.cancelled": "note",
};
/** The statuses in which a turn has more to come. */
const OPEN = new Set(["running", "waiting"]);

export class Story {
  /** In the order in which they began. @type {Block[]} */
  blocks = [];
  /** The latest turn of each subtask. @type {Map<string, Turn>} */
  turns = new Map();
  /** What each subtask is. @type {Map<string, {title: string, does: SubtaskKind}>} */
  #about = new Map();
  /** The plan that was told of last. @type {Note | null} */
  #plan = null;
  /** @type {Set<Block>} */
  #touched = new Set();

  /**
   * Take in the next events; answers the blocks that are new or other than before.
   * @param {Iterable<RunEvent>} events
   * @returns {Set<Block>}
   */
  take(events) {
    this.#touched = new Set();
    for (const event of events) {
      this.#event(event);
      if (event.type === "run.cancelled" || event.type === "run.failed") this.#cutOff(event);
    }
    return this.#touched;
  }

  /** @param {RunEvent} event */
  #event(event) {
    const kind = NOTES[event.type];
    const turn = this.turns.get(event.subtask ?? "");
    if (kind) return this.#note(kind, event);
    switch (event.type) {
      case "subtask.ready":
        this.#about.set(event.subtask ?? "", { title: event.data.title, does: event.data.kind });
        return turn && this.#answer(turn, event);
      case "subtask.started":
        return this.#begin(event, event.data.attempt, event.data.max_attempts);
      case "subtask.failed":
        // Nobody had begun it: there is no turn to say so in.
        return turn && OPEN.has(turn.course.at(-1)?.status ?? "") ? this.#stand(turn, event) : this.#note("note", event);
      case "subtask.waiting":
      case "subtask.retrying":
      case "subtask.completed":
      case "subtask.handed_over":
        return this.#stand(turn ?? this.#begin(event, 1, 1), event);
      case "text.delta":
      case "tool.started":
      case "tool.finished":
      case "usage.recorded":
        return event.subtask && this.#say(turn ?? this.#begin(event, 1, 1), event);
      case "message.sent":
      case "state.changed":
        return turn ? this.#add(turn, { kind: "fact", seq: event.seq, event }) : this.#note("note", event);
    }
  }

  /** @param {Note["kind"]} kind @param {RunEvent} event */
  #note(kind, event) {
    const { seq } = event;
    const title = this.#about.get(event.subtask ?? "")?.title ?? "";
    /** @type {Note} */
    const note = { kind, key: `n${seq}`, seq, last: seq, event, title, plans: [], before: null };
    if (event.type === "plan.proposed" || event.type === "plan.changed") {
      note.plans.push({ seq, plan: event.data.plan });
      this.#plan = note;
    } else if (event.type === "plan.approved" && this.#plan) {
      // The plan stands in the story as it was carried out.
      note.before = this.#plan.plans.at(-1)?.plan ?? null;
      this.#plan.plans.push({ seq, plan: event.data.plan });
      this.#plan.last = seq;
      this.#touched.add(this.#plan);
    }
    this.#put(note);
  }

  /** @param {Block} block */
  #put(block) {
    this.blocks.push(block);
    this.#touched.add(block);
  }

  /** @param {RunEvent} event @param {number} attempt @param {number} max @returns {Turn} */
  #begin(event, attempt, max) {
    const { seq, at } = event;
    const subtask = event.subtask ?? "";
    const { title, does } = this.#about.get(subtask) ?? { title: "", does: /** @type {const} */ ("work") };
    /** @type {Turn} */
    const turn = {
      kind: "turn", key: `t${seq}`, seq, last: seq, at, subtask, does, title, agent: event.agent_id ?? "", attempt, max,
      parts: [], course: [{ seq, at, status: "running", event }], used: [],
    };
    this.turns.set(subtask, turn);
    this.#put(turn);
    return turn;
  }

  /** @param {Turn} turn @param {RunEvent} event */
  #touch(turn, event) {
    turn.last = event.seq;
    this.#touched.add(turn);
  }

  /** @param {Turn} turn @param {Part} part */
  #add(turn, part) {
    turn.parts.push(part);
    turn.last = part.seq;
    this.#touched.add(turn);
  }

  /** @param {Turn} turn @param {RunEvent} event */
  #stand(turn, event) {
    const { seq, at } = event;
    const status = STATUS[event.type];
    if (status) turn.course.push({ seq, at, status, event });
    if (event.type === "subtask.waiting") this.#add(turn, { kind: "question", seq, asked: event, answered: null });
    else if (event.type === "subtask.handed_over") this.#add(turn, { kind: "fact", seq, event });
    else this.#touch(turn, event);
  }

  /** @param {Turn} turn @param {EventOf<"subtask.ready">} event */
  #answer(turn, event) {
    const question = turn.parts.findLast((part) => part.kind === "question");
    if (question?.kind !== "question" || question.answered || turn.course.at(-1)?.status !== "waiting") return;
    question.answered = event;
    this.#touch(turn, event);
  }

  /** @param {Turn} turn @param {EventOf<"text.delta"> | EventOf<"tool.started"> | EventOf<"tool.finished"> | EventOf<"usage.recorded">} event */
  #say(turn, event) {
    const { seq, data, type } = event;
    if (type === "tool.started") return this.#add(turn, { kind: "tool", seq, started: event, finished: null });
    this.#touch(turn, event);
    if (type === "usage.recorded") {
      turn.used.push({ seq, tokens: data.input_tokens + data.output_tokens });
    } else if (type === "tool.finished") {
      const call = turn.parts.findLast((part) => part.kind === "tool" && part.started.data.call_id === data.call_id);
      if (call?.kind === "tool") call.finished ??= event;
    } else {
      let part = turn.parts.at(-1);
      if (part?.kind !== "text") turn.parts.push((part = { kind: "text", seq, text: "", seqs: [], ends: [] }));
      part.text += data.text;
      part.seqs.push(seq);
      part.ends.push(part.text.length);
    }
  }

  /** The run came to an end: what was still going on did not. @param {RunEvent} event */
  #cutOff(event) {
    const { seq, at } = event;
    for (const turn of this.turns.values()) {
      if (!OPEN.has(turn.course.at(-1)?.status ?? "") && turn.course.at(-1)?.status !== "retrying") continue;
      turn.course.push({ seq, at, status: "cancelled", event });
      this.#touch(turn, event);
    }
  }

  /** How many blocks had begun by the event `n`. @param {number} n */
  shownAt(n) {
    return upTo(this.blocks, n, (block) => block.seq);
  }

  /**
   * The blocks that may be other at the event `n` than they were at `m`, of those that had begun by `n`.
   * @param {number} m @param {number} n
   */
  changed(m, n) {
    if (m === n) return [];
    const [low, high] = m < n ? [m, n] : [n, m];
    return this.blocks.slice(0, this.shownAt(n)).filter((block) => block.last > low && block.seq <= high);
  }
}

/**
 * How many of `items`, which are in order, are not beyond `n`.
 * @template T
 * @param {T[]} items @param {number} n @param {(item: T) => number} of
 */
function upTo(items, n, of) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (of(/** @type {T} */ (items[middle])) <= n) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a text part said by the event `n`. @param {TextPart} part @param {number} n */
export function textAt(part, n) {
  const count = upTo(part.seqs, n, (seq) => seq);
  return count === part.seqs.length ? part.text : part.text.slice(0, part.ends[count - 1] ?? 0);
}

/** How a turn stood after the event `n`. @param {Turn} turn @param {number} n */
export const standingAt = (turn, n) => turn.course[Math.max(0, upTo(turn.course, n, (step) => step.seq) - 1)];

/**
 * A turn as it stood after the event `n`: what it had said and done, how it stood, since when, and what it had used.
 * @param {Turn} turn @param {number} n
 */
export function turnAt(turn, n) {
  const parts = turn.parts.slice(0, upTo(turn.parts, n, (part) => part.seq));
  const course = standingAt(turn, n);
  const status = course?.status ?? "running";
  const tokens = turn.used.reduce((sum, { seq, tokens }) => (seq <= n ? sum + tokens : sum), 0);
  const event = course?.event;
  const result = event?.type === "subtask.completed" ? event.data.result : "";
  const open = status === "running" || status === "waiting";
  return { parts, status, event, result, tokens, endedAt: open ? null : (course?.at ?? null) };
}

/**
 * Which texts a finished turn's result says again, so that it is shown in their place: one of them, or (when the agent
 * used tools while it wrote) all together. None: it comes after all that was said. Null: there is no result.
 * @param {Part[]} parts @param {string} result
 * @returns {TextPart[] | null}
 */
export function saidBy(parts, result) {
  const wanted = result.trim();
  if (!wanted) return null;
  const texts = parts.filter((part) => part.kind === "text");
  const same = texts.findLast((part) => part.text.trim() === wanted);
  if (same) return [same];
  return texts.map((part) => part.text).join("").trim() === wanted ? texts : [];
}
