// What stands between a player and the server: Debian's nginx and HAProxy as networks run them, plain and over TLS, and
// a proxy of ours that takes WebSockets and swallows what comes. Each listens on a free port in front of one upstream.

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** nginx as most sites have it: it forwards upgrades, and does not hold answers back that ask not to be. */
export const forwarding = (upstream, tls) =>
  nginx(upstream, tls, `
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;`);

/** nginx that nobody has told of WebSocket: it speaks HTTP/1.0 to its upstream. */
export const plain = (upstream, tls) => nginx(upstream, tls, 'proxy_http_version 1.0;');

/** nginx that compresses every answer, and holds it back until it has all of it, or a lot. */
export const buffering = (upstream, tls) =>
  nginx(upstream, tls, `
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffering on;
    proxy_buffers 8 64k;
    proxy_buffer_size 64k;
    gzip on;
    gzip_proxied any;
    gzip_min_length 0;
    gzip_types application/octet-stream;
    proxy_ignore_headers X-Accel-Buffering;`);

/** A proxy that reads along: it shows a certificate of its own, speaks TLS to the server, and knows no upgrades. */
export const inspecting = (upstream) =>
  nginx(upstream, true, `
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_ssl_verify off;`, 'https');

/** HAProxy that cuts what is silent for 10 s. */
export async function haproxy(upstream, tls) {
  const folder = mkdtempSync(join(tmpdir(), 'tickwire-haproxy-'));
  const port = await freePort();
  const certificate = tls ? makeCertificate(folder) : undefined;
  writeFileSync(
    join(folder, 'haproxy.cfg'),
    `defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
  timeout tunnel 10s
frontend door
  bind 127.0.0.1:${port}${certificate ? ` ssl crt ${certificate.both}` : ''}
  default_backend game
backend game
  server game ${upstream}
`,
  );
  return run('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], folder, port, tls);
}

/** A proxy that answers the handshake of a WebSocket itself, and then swallows whatever comes. All else it forwards. */
export async function swallowing(upstream) {
  const [host, port] = upstream.split(':');
  const server = createHttpServer((asked, answer) => {
    const { method, url: path, headers } = asked;
    const forwarded = request({ host, port, method, path, headers }, (answered) => {
      answer.writeHead(answered.statusCode, answered.headers);
      answered.pipe(answer);
    });
    forwarded.on('error', () => answer.destroy());
    answer.on('close', () => forwarded.destroy());
    asked.pipe(forwarded);
  });
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (asked, socket) => {
    const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
    const accept = createHash('sha1').update(asked.headers['sec-websocket-key'] + guid).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('error', () => {});
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { address: `http://127.0.0.1:${server.address().port}/`, stop };
}

/** A wire that can be cut: while it is, what was connected breaks, and nothing new gets through. */
export async function wire(upstream) {
  const [host, port] = upstream.split(':');
  const sockets = new Set();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(Number(port), host);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    cut: () => {
      isCut = true;
      breakAll();
    },
    mend: () => {
      isCut = false;
    },
    stop: async () => {
      breakAll();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A certificate of a test CA for 127.0.0.1, as files. */
export function makeCertificate(folder) {
  const file = (name) => join(folder, name);
  const openssl = (...parameters) => execFileSync('openssl', parameters, { cwd: folder, stdio: 'pipe' });
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Test CA');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=127.0.0.1');
  writeFileSync(file('extensions'), 'subjectAltName=IP:127.0.0.1\n');
  openssl('x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
    '-extfile', 'extensions', '-out', 'certificate.pem');
  const both = file('both.pem');
  writeFileSync(both, execFileSync('cat', [file('certificate.pem'), file('key.pem')]));
  return { certificate: file('certificate.pem'), key: file('key.pem'), both };
}

async function nginx(upstream, tls, directives, scheme = 'http') {
  const folder = mkdtempSync(join(tmpdir(), 'tickwire-nginx-'));
  const port = await freePort();
  const certificate = tls ? makeCertificate(folder) : undefined;
  const encryption = certificate
    ? `ssl_certificate ${certificate.certificate}; ssl_certificate_key ${certificate.key};`
    : '';
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off;
pid ${folder}/pid;
error_log ${folder}/error.log;
worker_processes 1;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port}${tls ? ' ssl' : ''};
    ${encryption}
    location / {
      proxy_pass ${scheme}://${upstream};
      proxy_set_header Host $http_host;
      ${directives}
    }
  }
}
`,
  );
  return run('nginx', ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], folder, port, tls);
}

/** Starts a program of Debian's in the foreground, and waits until it listens. */
async function run(program, parameters, folder, port, tls) {
  // Debian keeps servers where only root's path leads.
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let log = '';
  child.stderr.on('data', (data) => {
    log += data;
  });
  const failed = new Promise((_, fail) => {
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`${program} ended with ${code}:\n${log}`)));
  });
  failed.catch(() => {});
  await Promise.race([failed, listening(port)]);
  const stop = async () => {
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
    rmSync(folder, { recursive: true, force: true });
  };
  return { address: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/`, stop };
}

async function listening(port) {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
    ]);
    socket.destroy();
    if (isThere) return;
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
