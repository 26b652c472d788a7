// Connection tokens, as a backend makes them.

import { createHmac } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SECRET = '0123456789abcdef0123456789abcdef';

/** The file by which a server knows good tokens. */
export async function keyFile() {
  const file = join(await mkdtemp(join(tmpdir(), 'tickwire-')), 'secret');
  await writeFile(file, SECRET, { mode: 0o600 });
  return file;
}

/** A token that says this, signed with HS256. */
export function sign(claims, secret = SECRET) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
