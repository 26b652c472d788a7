/** What people and the server say: chat, announcements, the score ticker, and words to this pilot alone. */

import { type Channel, ChannelError, type Publication } from '../../engine/index.ts';
import type { GameClient } from '../protocol.ts';
import { find, write } from './element.ts';

const LINES_MAX = 8;
const LINES_OF_BEFORE = 5;
const ANNOUNCEMENT_STAYS_MS = 12_000;
const COMMAND = /^\/(mute|unmute|kick) (.+)$/;

/** The panels around what is said. Texts come from others: text, never markup. */
export class Talk {
  readonly #lines: HTMLElement;
  readonly #form: HTMLFormElement;
  readonly #input: HTMLInputElement;
  readonly #ticker: HTMLElement;
  readonly #announcement: HTMLElement;
  #client: GameClient | undefined;
  #chat: Channel | undefined;
  #stops: (() => void)[] = [];
  #timer = 0;

  constructor(root: ParentNode) {
    this.#lines = find(root, '.chat__lines');
    this.#form = find(root, '.chat__form');
    this.#input = find(root, '.chat__input');
    this.#ticker = find(root, '.ticker');
    this.#announcement = find(root, '.announcement');
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#say(this.#input.value.trim());
      this.#leave();
    });
    this.#input.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' || event.key === 'Esc') this.#leave();
      event.stopPropagation();
    });
    window.addEventListener('keydown', (event) => {
      const isForPage = event.target instanceof Element && event.target.closest('dialog, input, button') !== null;
      if (event.key !== 'Enter' || isForPage || this.#client === undefined) return;
      event.preventDefault();
      this.open();
    });
    find(root, '.talk').addEventListener('click', () => this.open());
  }

  /** A game begins: listens to what is said in `room`. */
  begin(client: GameClient, room: string): void {
    this.end();
    this.#client = client;
    const chat = client.channel(`room:${room}`);
    this.#chat = chat;
    const chatter = {
      publication: ({ data, publisher }: Publication) => {
        if (typeof data === 'string') this.#line(publisher?.name ?? '', data);
      },
      joined: ({ name }: { name: string }) => this.#note(`${name} is here`),
      left: ({ name }: { name: string }) => this.#note(`${name} has left`),
      missed: () => this.#note('Some of what was said is missing here.'),
      ended: (_: string, sentence: string) => this.#note(sentence),
    };
    this.#stops = [
      chat.subscribe(chatter, { last: LINES_OF_BEFORE }),
      client
        .channel('announce:all')
        .subscribe({ publication: ({ data }) => this.#announce(textOf(data)) }, { last: 1 }),
      client.channel(`score:${room}`).subscribe({ publication: ({ data }) => this.#tick(data) }, { last: 1 }),
      client.channel(`player:${client.clientId ?? 0}`).subscribe({
        publication: ({ data }) => this.#line('To you', textOf(data), 'own'),
      }),
    ];
  }

  /** A game is over. */
  end(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#client = undefined;
    this.#chat = undefined;
    this.#lines.textContent = '';
    write(this.#ticker, '');
    this.#announcement.hidden = true;
    this.#leave();
  }

  /** Lets the pilot type. */
  open(): void {
    if (this.#client === undefined) return;
    this.#form.hidden = false;
    this.#input.focus();
  }

  #leave(): void {
    this.#input.value = '';
    this.#input.blur();
    this.#form.hidden = true;
  }

  #say(text: string): void {
    const chat = this.#chat;
    if (text === '' || chat === undefined) return;
    const [, act, name] = COMMAND.exec(text) ?? [];
    const done: Promise<unknown> =
      act !== undefined && name !== undefined ? this.#moderate(chat, act, name) : chat.publish(text);
    done.catch((error: unknown) => this.#note(error instanceof ChannelError ? error.message : 'That was not sent.'));
  }

  /** Asks the server to silence or remove somebody; it does so for those who hold the right. */
  #moderate(chat: Channel, act: string, name: string): Promise<void> {
    return chat.presence().then(({ members }) => {
      const member = members.find((one) => one.name === name);
      if (member === undefined) {
        this.#note(`There is no ${name} here.`);
        return;
      }
      const decision = JSON.stringify({ [act]: { client: Number(member.client) } });
      this.#client?.send(new TextEncoder().encode(decision));
    });
  }

  #line(name: string, text: string, kind = 'said'): void {
    const line = document.createElement('li');
    line.setAttribute('data-kind', kind);
    if (name !== '') {
      const who = document.createElement('b');
      who.textContent = name;
      line.appendChild(who);
      line.appendChild(document.createTextNode(' '));
    }
    line.appendChild(document.createTextNode(text));
    this.#lines.appendChild(line);
    while (this.#lines.children.length > LINES_MAX) this.#lines.removeChild(this.#lines.children[0]!);
  }

  #note(text: string): void {
    this.#line('', text, 'note');
  }

  #announce(text: string): void {
    write(this.#announcement, text);
    this.#announcement.hidden = text === '';
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.#announcement.hidden = true;
    }, ANNOUNCEMENT_STAYS_MS);
  }

  #tick(data: unknown): void {
    if (!Array.isArray(data)) return;
    const lines = data.map((line: { name?: unknown; score?: unknown }) => `${line.name} ${line.score}`);
    write(this.#ticker, lines.join(' · '));
  }
}

/** The words in what a server or backend published: a text, or an object that has one. */
function textOf(data: unknown): string {
  if (typeof data === 'string') return data;
  const text = typeof data === 'object' && data !== null ? (data as { text?: unknown }).text : undefined;
  return typeof text === 'string' ? text : '';
}
