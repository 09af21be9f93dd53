// What the console adds where scripts run. Every page works without it.
import { live } from "./live.js";
import { keys } from "./keys.js";
import { copying, zones, completing } from "./small.js";

live();
keys();
copying(document);
zones();
completing();
