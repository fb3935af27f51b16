/** The elements of the home page. */

import "./components/beat-age.js";
import "./components/elapsed-time.js";
