// One probe of how the game feels, under node: `probe.mjs '{"probe": "hits", "url": …}'`. Prints one JSON object.

import { hits } from './hits.mjs';
import { keyToOthers, smoothness } from './others-motion.mjs';
import { ownMotion } from './own-motion.mjs';

const probes = { hits, keyToOthers, ownMotion, smoothness };

const asked = JSON.parse(process.argv[2]);
const probe = probes[asked.probe];
if (probe === undefined) throw new Error(`no probe named ${asked.probe}`);
console.log(JSON.stringify(await probe(asked)));
// Sockets that close in their own time keep nobody waiting.
process.exit(0);
