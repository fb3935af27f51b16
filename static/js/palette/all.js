/** What the palette can do, in one module, fetched when it is first opened. */

export { commands, here, starts } from "./commands.js";
export { drawn } from "./draw.js";
export { hits, moved, remembering, sections } from "./options.js";
