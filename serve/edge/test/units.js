// Checks the router against what the specifications say, for inputs that few requests
// have, and for stores that give something else than was written: node test/units.js

import "./units/requests.js";
import "./units/versions.js";
import "./units/table.js";
import "./units/select.js";
import "./units/store.js";
import "./units/routes.js";
import "./units/pages.js";
import "./units/catalog.js";
import "./units/files.js";
import "./units/judged.js";
import "./units/live.js";
import "./units/warm.js";
import "./units/bytes.js";
