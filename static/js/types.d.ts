/**
 * The types of what travels between server and page, for `tsc --checkJs` (make lint); browsers never load this file.
 *
 * `Payloads` mirrors groups/events.py: a test compares names and fields.
 */

export type RunStatus =
  | "queued" | "planning" | "awaiting_approval" | "running" | "paused" | "summarising" | "completed" | "failed" | "cancelled";
export type SubtaskStatus =
  | "blocked" | "ready" | "running" | "waiting" | "completed" | "failed" | "cancelled" | "skipped";
export type SubtaskKind = "plan" | "work" | "vote" | "summary" | "reply";
/** How an event is coloured, and which filter of the log shows it. */
export type Tone = "bad" | "good" | "text" | "tool" | "plain";
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface PlanItem {
  id: string;
  key: string;
  title: string;
  instructions?: string;
  assignee: string;
  depends_on?: string[];
}

export interface Plan {
  subtasks: PlanItem[];
  note?: string;
}

export interface Attachment {
  name: string;
  size: number;
  content_type?: string;
  [more: string]: unknown;
}

export interface Usage {
  input_tokens?: number;
  output_tokens?: number;
  requests?: number;
  cost_usd?: number | null;
}

/** Which `data` each type of event carries. */
export interface Payloads {
  "run.queued": {
    task: string;
    mode: string;
    failure_policy: string;
    approve_plan: boolean;
    attachments: Attachment[];
    by: string;
  };
  "run.started": {};
  "plan.proposed": { plan: Plan; approval_required: boolean; by: string };
  "plan.approved": { plan: Plan; by: string };
  "plan.changed": { plan: Plan; added: string[]; reason: string };
  "votes.counted": {
    rule: string;
    votes: Record<string, string>;
    counts: Record<string, number>;
    winner: string;
    tie: string[];
    minority: string[];
  };
  "budget.reached": { scope: string; limit: string; text: string };
  "budget.raised": { max_tokens: number | null; max_cost_usd: number | null; by: string };
  "budget.unpriced": { model: string };
  "subtask.ready": { key: string; kind: SubtaskKind; title: string; assignee: string; answer: string; by: string };
  "subtask.started": { attempt: number; max_attempts: number };
  "subtask.retrying": { attempt: number; max_attempts: number; error: string; delay: number; cause: string };
  "subtask.waiting": { question: string; waits_for: string; options: string[]; due_at: string | null };
  "callback.refused": { reason: string; text: string };
  "subtask.handed_over": { to: string; text: string };
  "subtask.completed": { result: string };
  "subtask.failed": { error: string; attempt: number };
  "subtask.skipped": { reason: string };
  "text.delta": { text: string };
  "tool.started": { call_id: string; tool: string; arguments: Record<string, unknown> };
  "tool.finished": { call_id: string; tool: string; summary: string; ok: boolean };
  "message.sent": { sender: string; to: string; text: string };
  "state.changed": { state_id: string; version: number };
  "usage.recorded": {
    input_tokens: number;
    output_tokens: number;
    requests: number;
    cost_usd: number | null;
    model: string;
  };
  "run.paused": { by: string };
  "run.resumed": { status: RunStatus; retried: string[]; by: string };
  "run.summarising": {};
  "run.completed": { result: string; usage: Usage; stop_reason: string };
  "run.failed": { error: string };
  "run.cancelled": { by: string; reason: string };
}

export type EventType = keyof Payloads;

/** An event as every wire carries it; `EventOf<"run.failed">` is one of a known type. */
export interface EventOf<T extends EventType> {
  seq: number;
  type: T;
  at: string;
  agent_id: string | null;
  subtask: T extends `subtask.${string}` ? string : string | null;
  data: Payloads[T];
}
export type RunEvent = { [T in EventType]: EventOf<T> }[EventType];

export interface ToolCall {
  id: string;
  tool: string;
  arguments: Record<string, unknown>;
  summary: string;
  /** null while it runs */
  ok: boolean | null;
  startedAt: string;
  endedAt: string | null;
}

/** A bar of the timeline; `to` is null for the one still open. */
export interface Span {
  state: SubtaskStatus;
  from: string;
  to: string | null;
}

/** A time in which the run stood like this; `to` is null for the one still open. */
export interface Stand {
  state: "queued" | "running" | "paused" | "awaiting_approval";
  from: string;
  to: string | null;
}

/** When the workers at a run's subtasks were last heard of (groups/pulse.py). */
export interface Pulse {
  at: string;
  late: number;
  lost: number;
  beats: { subtask: string; key: string; agent_id: string; at: string }[];
}

export interface Handover {
  from: string | null;
  to: string;
  text: string;
  at: string;
}

export interface Retrying {
  error: string;
  delay: number;
  cause: string;
  at: string;
}

export interface Subtask {
  id: string;
  key: string;
  kind: SubtaskKind;
  title: string;
  instructions: string;
  assignee: string;
  agentId: string | null;
  dependsOn: string[];
  plannedBy: string;
  position: number;
  status: SubtaskStatus;
  attempt: number;
  maxAttempts: number;
  retrying: Retrying | null;
  question: string;
  options: string[];
  handovers: Handover[];
  result: string;
  error: string;
  text: string;
  tools: ToolCall[];
  spent: Spent | null;
  spans: Span[];
  startedAt: string | null;
  endedAt: string | null;
}

/** What one agent, or a whole run, used; `cost` is of the calls whose price is known. */
export interface Spent {
  tokens: number;
  cost: number;
  calls: number;
  unpriced: number;
}

export interface Caps {
  tokens: number | null;
  cost: number | null;
}

export type Votes = Payloads["votes.counted"] & { at: string };

/** A run as its log tells it (static/js/run/reducer.js). */
export interface View {
  id: string | null;
  task: string;
  mode: string;
  failurePolicy: string;
  approvePlan: boolean;
  attachments: Attachment[];
  by: string;
  status: RunStatus;
  queuedAt: string | null;
  startedAt: string | null;
  endedAt: string | null;
  /** How it stood when, from its beginning to now; nothing while it is at rest. */
  stands: Stand[];
  /** The latest pause; null when it is not paused. */
  paused: { by: string; at: string } | null;
  cancelled: { by: string; reason: string } | null;
  plan: Plan | null;
  /** Who edited or approved the plan last; empty when it stands as the leader made it. */
  planBy: string;
  subtasks: Record<string, Subtask>;
  /** What the latest further plan added (keys), and why. */
  planChanged: { added: string[]; reason: string; at: string } | null;
  /** The vote as it was counted. */
  votes: Votes | null;
  result: string;
  error: string;
  usage: Usage;
  /** What each agent used, by its id. */
  spent: Record<string, Spent>;
  /** Why no more was done than was: the cap that was reached, in words. */
  stopReason: string;
  /** As a person set them last; null when they are as the run began. */
  caps: Caps | null;
  /** How many events of each type there were. */
  counts: Record<string, number>;
  last_seq: number;
  lastAt: string | null;
}

/** What the run page's scripts need and the log does not say (`_about` in groups/views/runs.py). */
export interface About {
  id: string;
  task: string;
  mode: string;
  now: string;
  caps: Caps;
  can_steer: boolean;
  /** Whether the server has a report of it; a run from a file does not say. */
  reported?: boolean;
  /** What the file of a run has of these results as HTML, built anew; null: nothing. */
  rendered?: (markdown: string) => Node | null;
  urls: {
    cancel: string;
    pause: string;
    resume: string;
    retry: string;
    approve: string;
    plan: string;
    result: string;
    budget: string;
    /** Of these two SUBTASK is to be replaced by its id. */
    subtask_result: string;
    answer: string;
    [more: string]: string | undefined;
  };
  assignees: { value: string; label: string }[];
}

/** Frames of the live socket (docs/live.md). */
export interface HelloFrame {
  type: "hello";
  topic: string;
  last_seq: number;
  status?: string;
}
export interface EventsFrame {
  type: "events";
  topic: string;
  seq: number;
  events: RunEvent[];
}
export interface PokeFrame {
  type: "poke";
  topic: string;
  what: string;
  states?: string[];
}
export interface ErrorFrame {
  type: "error";
  topic: string;
  message?: string;
  reason?: string;
}
export type Frame = HelloFrame | EventsFrame | PokeFrame | ErrorFrame;

/** Who follows a topic; pokes have no `after`. */
export interface Follower {
  after?: () => number;
  hello?: (frame: HelloFrame) => void;
  events?: (frame: EventsFrame) => void;
  error?: (frame: ErrorFrame) => void;
}

export interface LiveState {
  state: "connecting" | "open" | "lost" | "refused";
  since: number;
  retryAt: number;
}

/** What `h` takes beside the tag: attributes, properties, listeners; null, undefined and false are left out. */
export interface Props {
  style?: Record<string, string>;
  [name: string]: unknown;
}
/** What `h` takes as children: null, undefined and false are left out. */
export type Child = Node | string | null | undefined | false;
export type Children = Child | Child[];

declare global {
  interface Window {
    htmx?: {
      process(element: Element): void;
      trigger(element: Element | string, name: string, detail?: unknown): void;
      ajax(method: string, url: string, options?: unknown): Promise<void>;
    };
    /** Django's catalog of texts, on pages that are not in English. */
    django?: {
      /** Fetches the texts of a module of `static/js`. */
      more?: (module: string) => Promise<unknown>;
      gettext(text: string): string;
      ngettext(one: string, many: string, count: number): string;
    };
  }
  var django: Window["django"];
  var htmx: Window["htmx"];

  interface DocumentEventMap {
    "stars:live": CustomEvent<LiveState>;
  }
  interface HTMLElementEventMap {
    "htmx:responseError": CustomEvent<{ xhr: XMLHttpRequest }>;
    "htmx:sendError": CustomEvent;
    "htmx:afterSwap": CustomEvent<{ target: HTMLElement }>;
    "htmx:beforeSwap": CustomEvent<{ target: HTMLElement; xhr: XMLHttpRequest; shouldSwap: boolean }>;
    "stars:resync": CustomEvent;
  }
  interface JSON {
    /** Numbers as they are written (proposal-json-parse-with-source). */
    rawJSON(text: string): unknown;
    parse(text: string, reviver: (this: any, key: string, value: any, context?: { source?: string }) => any): any;
  }
}
