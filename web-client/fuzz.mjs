// Throws noise and damaged frames at the decoder: `npm run fuzz -- --frames 10000000 --seed 1`. Prints what became of
// them, how long it took and the most memory that the process had. Anything but a frame error ends it.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';

const { values } = parseArgs({
  options: { frames: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});

// Node 20 reads no TypeScript. The bundle lies as deep as its source, which finds the golden frames from where it is.
const folder = new URL('node_modules/.fuzz/', import.meta.url);
await build({
  configFile: false,
  logLevel: 'warn',
  root: fileURLToPath(new URL('.', import.meta.url)),
  build: { ssr: 'engine/replica/fuzz.ts', outDir: fileURLToPath(folder), minify: false, target: 'node20' },
});
const { fuzz, goldenWorlds } = await import(new URL('fuzz.js', folder));

// Nobody reads the traces of millions of errors.
Error.stackTraceLimit = 0;
const began = performance.now();
const tally = fuzz(goldenWorlds(), Number(values.frames), Number(values.seed));
const seconds = Math.round(performance.now() - began) / 1000;
const memory = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ frames: tally.taken + tally.refused, ...tally, seconds, memory_bytes_max: memory }));
