// Reads a run's JSON file as the page does that opens one, and writes what its log reduces to.
import { readFileSync } from "node:fs";
import { readLogFile } from "../../static/js/run/log-file.js";
import { initial, reduceAll, summary } from "../../static/js/run/reducer.js";

const { about, events } = readLogFile(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify({ ...summary(reduceAll(initial(about), events)), task: about.task }));
