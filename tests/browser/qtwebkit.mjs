// Debian's QtWebKit, a browser of 2016, driven through `qtwebkit.py`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Starts the browser. Its page's scripts never see what is named in `without`. */
export function launchQtWebKit(without) {
  const script = fileURLToPath(new URL('qtwebkit.py', import.meta.url));
  // Debian's own Python, whatever else is installed: the packages belong to it.
  const child = spawn('/usr/bin/python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    const { value: line, done } = await lines.next();
    if (done) throw new Error('QtWebKit has ended');
    const { value, error } = JSON.parse(line);
    if (error !== undefined) throw new Error(error);
    return value;
  };
  /** The value of an expression in the page. */
  const evaluate = async (expression) => JSON.parse(await ask({ evaluate: expression }));
  return {
    open: (url) => ask({ open: url, without }),
    evaluate,
    press: (key) => ask({ press: key }),
    release: (key) => ask({ release: key }),
    aim: (x, y) => ask({ aim: [x, y] }),
    screenshot: (path) => ask({ screenshot: path }),
    /** What the page wrote to its console. */
    messages: () => ask({ messages: true }),
    /** Waits until an expression is true. */
    waitFor: async (expression, timeoutMs) => {
      const until = Date.now() + timeoutMs;
      while (!(await evaluate(`Boolean(${expression})`))) {
        if (Date.now() > until) {
          const said = await evaluate('document.body.innerText');
          throw new Error(`still not ${expression}; ${(await ask({ messages: true })).join('; ')}; the page says:\n${said}`);
        }
        await new Promise((wake) => setTimeout(wake, 50));
      }
    },
    stop: async () => {
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    },
  };
}
