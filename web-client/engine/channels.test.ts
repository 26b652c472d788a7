import { describe, expect, it } from 'vitest';
import type { ChannelMessage, ChannelPublication, ChannelRequest } from './channel-messages.ts';
import { type ChannelListener, Channels } from './channels.ts';

const EPOCH = 5;

/** Channels of a page whose session is open, and what it asked. */
function page(): { channels: Channels; asked: ChannelRequest[]; last: () => ChannelRequest } {
  const asked: ChannelRequest[] = [];
  const channels = new Channels((request) => asked.push(request) > 0);
  channels.handleJoined(false);
  return { channels, asked, last: () => asked[asked.length - 1]! };
}

function publication(offset: number, text = `${offset}`): ChannelMessage {
  const data = { type: 'text', text } as const;
  const said: ChannelPublication = {
    channel: 'chat:x',
    offset,
    unixMs: 0,
    publisher: undefined,
    key: undefined,
    data,
  };
  return { type: 'publication', publication: said };
}

function subscribed(request: number, offset: number, recovered = 0, isComplete = true): ChannelMessage {
  return { type: 'subscribed', request, position: { epoch: EPOCH, offset }, recovered, isComplete };
}

/** A listener that writes down what it hears. */
function scribe(): { heard: unknown[]; listener: ChannelListener } {
  const heard: unknown[] = [];
  const listener: ChannelListener = {
    publication: ({ data }) => heard.push(data),
    subscribed: ({ isComplete, recovered }) => heard.push(isComplete ? `here +${recovered}` : 'not complete'),
    joined: ({ name }) => heard.push(`+${name}`),
    left: ({ name }) => heard.push(`-${name}`),
    missed: (count) => heard.push(`missed ${count ?? 'some'}`),
    ended: (reason) => heard.push(`ended ${reason}`),
  };
  return { heard, listener };
}

describe('channels', () => {
  it('tells listeners what is published, who comes and who goes', () => {
    const { channels, last } = page();
    const { heard, listener } = scribe();
    channels.channel('chat:x').subscribe(listener);
    channels.handleMessage(subscribed(last().request, 7));
    channels.handleMessage(publication(8, 'hi'));
    const zoe = { client: '3', user: '', name: 'Zoë', info: '' };
    channels.handleMessage({ type: 'joined', channel: 'chat:x', member: zoe });
    channels.handleMessage({ type: 'left', channel: 'chat:x', member: zoe });
    channels.handleMessage({ type: 'missed', channel: 'chat:x', count: 2 });
    expect(heard).toEqual(['here +0', 'hi', '+Zoë', '-Zoë', 'missed 2']);
  });

  it('goes on in a new session from where it was, and says when that is not all', () => {
    const { channels, asked, last } = page();
    const { heard, listener } = scribe();
    channels.channel('chat:x').subscribe(listener);
    channels.handleMessage(subscribed(last().request, 7));
    channels.handleMessage(publication(8));
    channels.handleJoined(true);
    expect(asked, 'the same session goes on by itself').toHaveLength(1);
    channels.handleJoined(false);
    const after = { type: 'after', position: { epoch: EPOCH, offset: 8 } };
    expect(last().action).toEqual({ type: 'subscribe', start: after });
    channels.handleMessage(subscribed(last().request, 10, 2));
    channels.handleJoined(false);
    expect(last().action, 'what was to come and did not is asked for again').toEqual({
      type: 'subscribe',
      start: after,
    });
    channels.handleMessage(subscribed(last().request, 200, 100, false));
    expect(heard).toEqual(['here +0', '8', 'here +2', 'not complete', 'missed some']);
  });

  it('recovers by itself when it was too slow, and not when it was sent away', () => {
    const { channels, last, asked } = page();
    const { heard, listener } = scribe();
    channels.channel('chat:x').subscribe(listener);
    channels.handleMessage(subscribed(last().request, 7));
    channels.handleMessage({ type: 'ended', channel: 'chat:x', reason: 'TooSlow' });
    expect(last().action).toMatchObject({ start: { type: 'after' } });
    channels.handleMessage(subscribed(last().request, 8, 1));
    channels.handleMessage({ type: 'ended', channel: 'chat:x', reason: 'Kicked' });
    channels.handleJoined(false);
    expect(asked).toHaveLength(2);
    expect(heard).toEqual(['here +0', 'here +1', 'ended Kicked']);
  });

  it('takes a channel over from the page before it', () => {
    const { channels, asked, last } = page();
    const { heard, listener } = scribe();
    channels.channel('chat:x').subscribe(listener, { last: 20 });
    expect(last().action).toEqual({ type: 'subscribe', start: { type: 'last', count: 20 } });
    channels.handleMessage(publication(3, 'for the page before'));
    const { request } = last();
    const refused = { type: 'refused', request, reason: 'AlreadySubscribed', sentence: '', retryAfterMs: 0 } as const;
    channels.handleMessage(refused);
    expect(asked.map(({ action }) => action.type)).toEqual(['subscribe', 'unsubscribe', 'subscribe']);
    channels.handleMessage(subscribed(last().request, 4, 1));
    channels.handleMessage(publication(4));
    expect(heard).toEqual(['here +1', '4']);
  });

  it('listens once for many, until the last of them stops', () => {
    const { channels, asked } = page();
    const stops = [scribe(), scribe()].map(({ listener }) => channels.channel('chat:x').subscribe(listener));
    stops[0]!();
    stops[0]!();
    expect(asked.map(({ action }) => action.type)).toEqual(['subscribe']);
    stops[1]!();
    expect(asked.map(({ action }) => action.type)).toEqual(['subscribe', 'unsubscribe']);
  });

  it('answers what is asked, with the reason where it is refused or lost', async () => {
    const { channels, last } = page();
    const chat = channels.channel('chat:x');
    const published = chat.publish({ a: 1 }, { key: 'k' });
    expect(last().action).toEqual({ type: 'publish', key: 'k', data: { type: 'json', text: '{"a":1}' } });
    const position = { epoch: EPOCH, offset: 1 };
    channels.handleMessage({ type: 'published', request: last().request, position });
    expect(await published).toEqual(position);
    const refused = chat.publish('x');
    const { request } = last();
    channels.handleMessage({ type: 'refused', request, reason: 'TooFast', sentence: 'wait', retryAfterMs: 50 });
    await expect(refused).rejects.toMatchObject({ reason: 'TooFast', message: 'wait', retryAfterMs: 50 });
    const lost = chat.presence();
    channels.handleJoined(false);
    await expect(lost).rejects.toMatchObject({ reason: 'Lost' });
  });
});
