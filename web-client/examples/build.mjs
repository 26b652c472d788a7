// Brings the examples into the built client, with the game's icon and the jQuery that some of them are written for.

import { cp, mkdir, readdir } from 'node:fs/promises';

const here = new URL('./', import.meta.url);
const built = new URL('../dist/examples/', import.meta.url);

await mkdir(built, { recursive: true });
for (const name of await readdir(here)) {
  if (name !== 'build.mjs') await cp(new URL(name, here), new URL(name, built));
}
await cp(new URL('../../assets/favicon.svg', here), new URL('favicon.svg', built));
await cp(new URL('../node_modules/jquery/dist/jquery.min.js', here), new URL('jquery.min.js', built));
