/** The entry of the pages of shared states, beside app.js. */

import "./components/conflict-desk.js";
import "./components/json-area.js";
import "./components/list-keys.js";
import "./components/merge-rules.js";
import "./components/policy-trial.js";
import "./components/state-editor.js";
import "./components/state-film.js";
import "./components/state-page.js";
import "./components/state-raw.js";
import "./components/state-rows.js";
import "./components/state-tree.js";
import "./components/sync-board.js";
