// Reads [{events, stops}], reduces each log, and writes {stop: summary} for each of the numbers in `stops`.
import { readFileSync } from "node:fs";
import { initial, reduceAll, summary } from "../../static/js/run/reducer.js";

const logs = JSON.parse(readFileSync(0, "utf8"));
const answers = logs.map(({ events, stops }) => {
  const found = {};
  let view = initial();
  for (const stop of stops) {
    view = reduceAll(view, events.slice(view.last_seq, stop));
    found[stop] = summary(view);
  }
  return found;
});
process.stdout.write(JSON.stringify(answers));
