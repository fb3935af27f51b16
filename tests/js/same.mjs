/**
 * Tells which scripts mean something else in one folder than in the other: `same.mjs <folder>`, where `given` and
 * `served` hold files of the same names beside a tsconfig.json. Their syntax trees are compared, so that a semicolon
 * that came or went without notice is found as well as a space within a text.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { API } from "../../node_modules/typescript/dist/api/sync/api.js";

/** `let` and `const` are no nodes of their own. */
const BLOCK_SCOPED = 7;

const [folder] = process.argv.slice(2);
const api = new API({ cwd: folder });
const [project] = api.updateSnapshot({ openProject: join(folder, "tsconfig.json") }).getProjects();

/** What each node of the tree says, in order, and where its children end. */
function meaning(path) {
  const found = [];
  const walk = (node) => {
    const { kind, text, rawText, operator, flags } = node;
    // The text of a whole file is what may differ.
    found.push(`${kind} ${flags & BLOCK_SCOPED} ${operator ?? ""} ${JSON.stringify([found.length ? text : "", rawText])}`);
    node.forEachChild(walk);
    found.push("end");
  };
  walk(project.program.getSourceFile(path));
  return found.join("\n");
}

const others = readdirSync(join(folder, "given")).filter(
  (name) => meaning(join(folder, "given", name)) !== meaning(join(folder, "served", name)),
);
process.stdout.write(JSON.stringify(others.toSorted()));
api.close();
