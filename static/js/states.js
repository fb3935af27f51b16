/** The entry of the pages of shared states, beside app.js. */

import "./components/state-editor.js";
import "./components/state-page.js";
import "./components/state-raw.js";
import "./components/state-rows.js";
import "./components/state-tree.js";
import "./components/sync-board.js";
