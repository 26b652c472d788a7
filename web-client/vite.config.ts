import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The page works from any folder of any host.
  base: './',
  build: { target: 'es2022', assetsInlineLimit: 0, sourcemap: false },
  server: { fs: { allow: ['..'] } },
  test: { include: ['engine/**/*.test.ts', 'game/**/*.test.ts'] },
});
