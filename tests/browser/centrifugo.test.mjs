// Centrifugo's official client for browsers, unchanged, against the arena's binary.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';
import { PATIENCE_MS, startArena } from './support.mjs';
import { keyFile, sign } from './tokens.mjs';

const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

/** The next event of this name that is as asked for. */
function next(emitter, name, isIt = () => true) {
  return new Promise((found, failed) => {
    const timer = setTimeout(() => failed(new Error(`no ${name}`)), PATIENCE_MS);
    const listen = (event) => {
      if (!isIt(event)) return;
      clearTimeout(timer);
      emitter.off(name, listen);
      found(event);
    };
    emitter.on(name, listen);
  });
}

describe("Centrifugo's client", { timeout: 300_000 }, () => {
  let server;
  const open = [];
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tickwire-'));
    const channels = join(folder, 'channels.toml');
    await writeFile(channels, '[namespaces.team]\nhistory = { count = 5 }\npresence = true\n');
    server = await startArena(['--token-keys', await keyFile(), '--channels', channels]);
  });
  after(async () => {
    for (const client of open) client.disconnect();
    await server?.stop();
  });

  const endpoint = () => `${server.address.replace('http', 'ws')}connection/websocket`;

  function client(options = {}, address = endpoint()) {
    const made = new Centrifuge(address, { websocket: WebSocket, minReconnectDelay: 50, ...options });
    open.push(made);
    return made;
  }

  const call = async (name, said) => {
    const answer = await fetch(new URL(`api/${name}`, server.internal), {
      method: 'POST',
      body: JSON.stringify(said),
    });
    return await answer.json();
  };

  async function connected(options, address) {
    const made = client(options, address);
    const event = next(made, 'connected');
    made.connect();
    return { client: made, event: await event };
  }

  async function subscribed(made, channel, options) {
    const subscription = made.newSubscription(channel, options);
    const event = next(subscription, 'subscribed');
    subscription.subscribe();
    return { subscription, event: await event };
  }

  it('connects with a valid token and without one', async () => {
    const { event } = await connected({ token: sign({ sub: '42', exp: inSeconds(600) }) });
    assert.match(event.client, /^[0-9a-f]{32}$/);
    await connected({});
  });

  it('is refused with its codes: a forged token for good, an expired one until there is another', async () => {
    const forged = client({ token: sign({ sub: '42' }, 'another secret, which is as long') });
    const gone = next(forged, 'disconnected');
    forged.connect();
    assert.deepEqual(await gone.then(({ code, reason }) => ({ code, reason })), {
      code: 3500,
      reason: 'invalid token',
    });

    let asked = 0;
    const expired = client({
      token: sign({ sub: '42', exp: inSeconds(-60) }),
      getToken: async () => {
        asked += 1;
        return sign({ sub: '42', exp: inSeconds(600) });
      },
    });
    const refused = next(expired, 'error', ({ error }) => error.code === 109);
    const let_in = next(expired, 'connected');
    expired.connect();
    await refused;
    await let_in;
    assert.equal(asked, 1);
  });

  it('subscribes, publishes, and asks who is here and what was', async () => {
    const info = { level: 7 };
    const { client: one } = await connected({ token: sign({ sub: '1', info }) });
    const { client: other } = await connected({ token: sign({ sub: '2', name: 'Zoë' }) });
    const { subscription } = await subscribed(one, 'chat:a');
    const joins = next(subscription, 'join');
    const { subscription: second } = await subscribed(other, 'chat:a');
    assert.equal((await joins).info.user, '2');
    const heard = [next(subscription, 'publication'), next(second, 'publication')];
    await other.publish('chat:a', { text: 'hello' });
    for (const publication of await Promise.all(heard)) {
      assert.deepEqual(publication.data, { text: 'hello' });
      assert.equal(publication.info.user, '2');
      assert.equal(publication.offset, 1);
    }
    const { clients } = await subscription.presence();
    assert.deepEqual(
      Object.values(clients)
        .map(({ user, connInfo }) => [user, connInfo])
        .sort(),
      [
        ['1', info],
        ['2', { name: 'Zoë' }],
      ],
    );
    assert.deepEqual(await subscription.presenceStats(), { numClients: 2, numUsers: 2 });
    const history = await subscription.history({ limit: 10 });
    assert.deepEqual(
      history.publications.map(({ data }) => data),
      [{ text: 'hello' }],
    );
    assert.equal(history.offset, 1);
    const leaves = next(subscription, 'leave');
    other.disconnect();
    assert.equal((await leaves).info.user, '2');
  });

  it('hears of backends, whatever they publish by', async () => {
    const { client: made } = await connected({});
    const { subscription } = await subscribed(made, '5');
    for (const [name, said, expected] of [
      ['publish', { channel: '5', data: { a: [1, null] } }, { a: [1, null] }],
      ['broadcast', { channels: ['5'], data: 'text' }, 'text'],
    ]) {
      const heard = next(subscription, 'publication');
      assert.ok((await call(name, said)).result);
      assert.deepEqual((await heard).data, expected);
    }
    const heard = next(subscription, 'publication');
    await fetch(new URL('publish/?cid=5', server.internal), { method: 'POST', body: 'plain </script>' });
    assert.equal((await heard).data, 'plain </script>');
  });

  it('needs a right for a channel: from its token, or from one for that channel', async () => {
    const { client: stranger } = await connected({ token: sign({ sub: '1' }) });
    const refused = stranger.newSubscription('team:red');
    const over = next(refused, 'unsubscribed');
    refused.subscribe();
    assert.equal((await over).code, 103);

    const { client: member } = await connected({ token: sign({ sub: '1', channels: ['team:*'] }) });
    await subscribed(member, 'team:red');
    await assert.rejects(member.publish('team:red', 'x'), ({ code }) => code === 103);

    const own = sign({ sub: '1', channel: 'team:blue', exp: inSeconds(600) });
    await subscribed(stranger, 'team:blue', { token: own });
    const wrong = stranger.newSubscription('team:green', { token: own });
    const wrongOver = next(wrong, 'unsubscribed');
    wrong.subscribe();
    assert.equal((await wrongOver).code, 103, 'that token is for another channel');
  });

  it('is told of what is too long, too often or no JSON, and nobody hears it', async () => {
    const { client: one } = await connected({});
    const { client: other } = await connected({});
    const { subscription } = await subscribed(other, 'chat:limits');
    const heard = [];
    subscription.on('publication', ({ data }) => heard.push(data));
    await assert.rejects(one.publish('chat:limits', 'x'.repeat(5000)), ({ code }) => code === 106);
    // As many as the namespace lets one say at once.
    for (let number = 1; number <= 20; number += 1) await one.publish('chat:limits', number);
    await assert.rejects(one.publish('chat:limits', 'too often'), ({ code }) => code === 111);

    for (const [sent, code] of [
      ['{"id":1,', 3501],
      [Buffer.from([0xc3, 0x28]), 3501],
      [`{"id":1,"connect":{"data":"${'x'.repeat(300_000)}"}}`, 3510],
    ]) {
      const socket = new WebSocket(endpoint());
      await once(socket, 'open');
      socket.send(sent);
      assert.equal((await once(socket, 'close'))[0], code);
    }
    const last = next(subscription, 'publication', ({ data }) => data === 'last');
    await call('publish', { channel: 'chat:limits', data: 'last' });
    await last;
    assert.deepEqual(heard, [...Array.from({ length: 20 }, (_, at) => at + 1), 'last']);
  });

  it('refreshes its tokens before they run out', async () => {
    let refreshed = 0;
    const { client: made } = await connected({
      token: sign({ sub: '9', exp: inSeconds(2) }),
      getToken: async () => {
        refreshed += 1;
        return sign({ sub: '9', exp: inSeconds(600) });
      },
    });
    let again = 0;
    await subscribed(made, 'team:nine', {
      token: sign({ sub: '9', channel: 'team:nine', exp: inSeconds(2) }),
      getToken: async () => {
        again += 1;
        return sign({ sub: '9', channel: 'team:nine', exp: inSeconds(600) });
      },
    });
    for (let until = Date.now() + PATIENCE_MS; (refreshed === 0 || again === 0) && Date.now() < until; ) {
      await new Promise((wake) => setTimeout(wake, 100));
    }
    assert.deepEqual([refreshed, again], [1, 1]);
    await new Promise((wake) => setTimeout(wake, 2000));
    assert.equal(made.state, 'connected');
  });

  it('gets what it missed while it was cut off, once and in order, or hears that it cannot', async () => {
    const port = Number(new URL(server.address).port);
    const lines = new Set();
    let isCut = false;
    const middleman = createServer((near) => {
      if (isCut) {
        near.destroy();
        return;
      }
      const far = dial(port, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ]) {
        lines.add(one);
        one.on('error', () => {});
        one.pipe(other);
        one.on('close', () => other.destroy());
      }
    });
    middleman.listen(0, '127.0.0.1');
    await once(middleman, 'listening');
    try {
      const address = `ws://127.0.0.1:${middleman.address().port}/connection/websocket`;
      const { client: made } = await connected({ token: sign({ sub: '1', channels: ['team:*'] }) }, address);
      const { subscription } = await subscribed(made, 'team:cut');
      const heard = [];
      subscription.on('publication', ({ data }) => heard.push(data));
      const publish = (data) => call('publish', { channel: 'team:cut', data });
      for (const count of [4, 7]) {
        const first = next(subscription, 'publication', ({ data }) => data === 'ready');
        await publish('ready');
        await first;
        isCut = true;
        const lost = next(made, 'connecting');
        for (const line of lines) line.destroy();
        await lost;
        heard.length = 0;
        for (let number = 1; number <= count; number += 1) await publish(number);
        const back = next(subscription, 'subscribed');
        isCut = false;
        const { wasRecovering, recovered } = await back;
        assert.equal(wasRecovering, true);
        const isWithin = count <= 5;
        assert.equal(recovered, isWithin, 'the history holds five');
        if (isWithin) assert.deepEqual(heard, [1, 2, 3, 4]);
      }
    } finally {
      middleman.close();
    }
  });

  it('is sent away by a backend', async () => {
    const { client: made } = await connected({ token: sign({ sub: 'rude' }) });
    const gone = next(made, 'disconnected');
    await call('disconnect', { user: 'rude' });
    assert.equal((await gone).code, 3503);
  });
});
