/** Reads sessions (arrays of frames) as JSON from stdin; writes what the page's replica has of each at the end. */

import { readFileSync } from "node:fs";
import { parse, pretty } from "../../static/js/lib/json-tree.js";
import { Replica } from "../../static/js/sync/replica.js";

const sessions = parse(readFileSync(0, "utf8"));
const found = sessions.map((frames) => {
  const replica = new Replica();
  replica.ask();
  for (const frame of frames) replica.receive(frame);
  const { revision, token, synced, lost } = replica;
  return { states: Object.fromEntries([...replica.states].toSorted()), revision, token, synced, lost };
});
process.stdout.write(pretty(found));
