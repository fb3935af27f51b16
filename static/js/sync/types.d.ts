/** The types of shared states in the browser, for `tsc --checkJs` (make lint); browsers never load this file. */

/** A JSON value; whole numbers beyond what JavaScript counts are BigInt. */
export type Value = null | boolean | number | bigint | string | Value[] | { [key: string]: Value };
/** One at a path; undefined: nothing stands there. */
export type Maybe = Value | undefined;

/** An operation as the wire has it; that of the whole document has no path. */
export interface Op {
  op: "set" | "delete" | "merge" | "cas";
  path?: string;
  value?: Value;
}

/** Who wrote what stands at a path last; `run` is the id of the run in which, or empty. */
export interface Blame {
  agent: string;
  version: number;
  at: string;
  run?: string;
}
export type Blames = Record<string, Blame>;

/** A state as a subscription keeps it. */
export interface Copy {
  id: string;
  uid: string;
  v: number;
  data: Value;
  frozen?: boolean;
}

/** An entry of the log as a delta brings it. */
export interface Entry {
  id: string;
  uid: string;
  v: number;
  pv?: number;
  kind: string;
  by: string;
  at: string;
  ops?: Op[];
  config?: { frozen?: boolean };
  coalesced?: boolean;
  meta?: { run?: string };
}

/** A frame of stars.sync.v1 (docs/sync-protocol.md); which members there are depends on `t`. */
export interface Frame {
  t: string;
  sub: number;
  rev: number;
  prev: number;
  token: string;
  synced?: boolean;
  part: number;
  last?: boolean;
  states: Copy[];
  entries?: Entry[];
  session?: string;
  agent?: string;
  n?: number;
  reason?: string;
  retry_after_ms?: number;
}

/** What a frame changed; `after` is null where the state is gone. */
export interface Change {
  id: string;
  kind: "entry" | "snapshot" | "reset" | "revoked";
  before: Copy | null | undefined;
  after: Copy | null;
  entry?: Entry;
}

/** How a socket stands. */
export type Standing = "connecting" | "live" | "lost" | "absent" | "refused";

/** What a state's page knows, as its parts hear it. */
export interface Known {
  uid: string;
  version: number;
  data: Value;
  by: string;
  blame: Blames;
  /** Paths that have changed since, each with who did it. */
  changed: Map<string, string>;
  readonly text: string;
}

/** One line of a document's tree. */
export interface Row {
  path: string;
  key: string;
  level: number;
  /** Its place among its siblings, from 1, and how many these are. */
  index: number;
  size: number;
  branch: boolean;
  open: boolean;
  value: Maybe;
  /** What stood there, when two documents are compared. */
  before: Maybe;
  /** "" the same, "inside" something under it differs. */
  change: "" | "added" | "removed" | "changed" | "inside";
}

/** A version as the film tells of it. */
export interface Shot {
  version: number;
  uid: string;
  kind: string;
  agent: string;
  at: string;
  ops: Op[];
  words: string;
  why: string;
  restored: number | null;
  run: string;
  /** How it settled a conflict, in a word; "" when it settled none. */
  conflict: string;
}
