// Builds the client once more for old browsers: one classic script in ES5, beside the modern one in `dist`.

import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transformAsync } from '@babel/core';
import { build } from 'vite';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

// Not minified here: that would put newer syntax back in.
const [{ output }] = await build({
  configFile: false,
  logLevel: 'warn',
  root: path('..'),
  base: './',
  build: {
    write: false,
    minify: false,
    target: 'es2022',
    assetsInlineLimit: 0,
    lib: { entry: path('main.ts'), formats: ['iife'], name: 'arena', fileName: 'arena' },
  },
}).then((built) => (Array.isArray(built) ? built : [built]));

const { code } = await transformAsync(output[0].code, {
  babelrc: false,
  configFile: false,
  compact: true,
  comments: false,
  sourceType: 'script',
  // Private fields as plain ones, and the like: the modern build has checked what these keep apart.
  assumptions: {
    privateFieldsAsProperties: true,
    setPublicClassFields: true,
    noClassCalls: true,
    constantSuper: true,
    setClassMethods: true,
    ignoreFunctionLength: true,
    noDocumentAll: true,
    pureGetters: true,
  },
  presets: [
    [
      '@babel/preset-env',
      {
        targets: { ie: '10' },
        modules: false,
        useBuiltIns: false,
        // core-js asks what is a symbol to the browser, not to its own stand-in for one.
        exclude: ['@babel/plugin-transform-typeof-symbol'],
      },
    ],
  ],
});

await mkdir(path('../dist/legacy'), { recursive: true });
await writeFile(path('../dist/legacy/arena.js'), code);
for (const file of ['choose.js', 'old.css']) await copyFile(path(file), path(`../dist/legacy/${file}`));
for (const asset of output.slice(1)) {
  await mkdir(path('../dist/legacy/assets'), { recursive: true });
  await writeFile(path(`../dist/legacy/${asset.fileName}`), asset.source ?? asset.code);
}
