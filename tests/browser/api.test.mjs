// The calls of backends are as their description says, whatever is sent: Schemathesis makes up thousands of requests.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startArena } from './support.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const program = process.env.SCHEMATHESIS ?? resolve(here, '../../target/schemathesis/bin/st');

describe('calls of backends', { timeout: 600_000 }, () => {
  let server;
  before(async () => {
    server = await startArena();
  });
  after(() => server?.stop());

  it('are as described', async () => {
    const description = new URL('api/openapi.json', server.internal).href;
    const arguments_ = ['run', description, '--max-examples', '40', '--seed', '1', '--phases', 'examples,coverage,fuzzing'];
    // Some of what it makes up is allowed here: fields beyond those described, and names of channels that the
    // description can only bound.
    arguments_.push('--checks', 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance');
    const child = spawn(program, arguments_, { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        log += data;
      });
    }
    const [code] = await once(child, 'exit');
    assert.equal(code, 0, log);
  });
});
