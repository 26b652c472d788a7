/** The client as old browsers get it: the same game, behind what they lack. */

import './polyfills.ts';
import '../game/main.ts';
