/** The parts of old browsers' windows that no library of the language's brings, as far as the client uses them. */

import { decodeUtf8, encodeUtf8 } from './utf8.ts';

const page = window as unknown as Record<string, unknown>;

if (typeof TextEncoder === 'undefined') {
  page['TextEncoder'] = class {
    encode(text: string): Uint8Array {
      return encodeUtf8(text);
    }
  };
  page['TextDecoder'] = class {
    decode(bytes: Uint8Array): string {
      return decodeUtf8(bytes);
    }
  };
}

if (typeof performance === 'undefined' || typeof performance.now !== 'function') {
  const start = Date.now();
  page['performance'] = { now: () => Date.now() - start };
}

if (typeof requestAnimationFrame === 'undefined') {
  page['requestAnimationFrame'] = (draw: (nowMs: number) => void) => setTimeout(() => draw(performance.now()), 16);
  page['cancelAnimationFrame'] = (timer: number) => clearTimeout(timer);
}

if (typeof Element.prototype.remove !== 'function') {
  Element.prototype.remove = function remove(): void {
    this.parentNode?.removeChild(this);
  };
}

if (typeof Element.prototype.append !== 'function') {
  Element.prototype.append = function append(...nodes: (Node | string)[]): void {
    for (const node of nodes) this.appendChild(typeof node === 'string' ? document.createTextNode(node) : node);
  };
}

if (typeof Element.prototype.replaceChildren !== 'function') {
  Element.prototype.replaceChildren = function replaceChildren(...nodes: (Node | string)[]): void {
    while (this.firstChild !== null) this.removeChild(this.firstChild);
    this.append(...nodes);
  };
}

if (typeof Element.prototype.matches !== 'function') {
  const { msMatchesSelector, webkitMatchesSelector } = Element.prototype as unknown as Record<
    string,
    Element['matches']
  >;
  Element.prototype.matches = (msMatchesSelector ?? webkitMatchesSelector)!;
}

if (typeof Element.prototype.closest !== 'function') {
  Element.prototype.closest = function closest(this: Element, selector: string): Element | null {
    let element: Element | null = this;
    while (element !== null && !element.matches(selector)) element = element.parentElement;
    return element;
  };
}

// Which key it is by its place on the keyboard: old browsers only know the letter's number.
if (!('code' in KeyboardEvent.prototype)) {
  const codes: Record<number, string> = {
    32: 'Space',
    37: 'ArrowLeft',
    38: 'ArrowUp',
    39: 'ArrowRight',
    40: 'ArrowDown',
  };
  Object.defineProperty(KeyboardEvent.prototype, 'code', {
    get(this: KeyboardEvent): string {
      return codes[this.keyCode] ?? `Key${String.fromCharCode(this.keyCode)}`;
    },
  });
}

const queries = Object.getPrototypeOf(window.matchMedia('all')) as MediaQueryList;
if (typeof queries.addEventListener !== 'function') {
  queries.addEventListener = function listen(this: MediaQueryList, _: string, hear: unknown): void {
    this.addListener(hear as () => void);
  };
}

if (typeof HTMLImageElement.prototype.decode !== 'function') {
  HTMLImageElement.prototype.decode = function decode(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.complete && this.naturalWidth > 0) {
        resolve();
        return;
      }
      this.addEventListener('load', () => resolve());
      this.addEventListener('error', () => reject(new Error('the picture cannot be drawn')));
    });
  };
}

// Dialogs are plain elements here: shown or not, and over everything else by the style sheet.
if (typeof HTMLDialogElement === 'undefined' || typeof HTMLDialogElement.prototype.showModal !== 'function') {
  document.documentElement.setAttribute('data-dialogs', 'plain');
  for (const dialog of Array.from(document.querySelectorAll('dialog'))) {
    Object.defineProperty(dialog, 'open', {
      get: () => dialog.hasAttribute('open'),
      set: (open: boolean) => (open ? dialog.setAttribute('open', '') : dialog.removeAttribute('open')),
    });
    dialog.showModal = () => dialog.setAttribute('open', '');
    dialog.close = () => {
      dialog.removeAttribute('open');
      // What is in it must not go on taking keys.
      if (dialog.contains(document.activeElement)) (document.activeElement as HTMLElement).blur();
    };
    for (const form of Array.from(dialog.querySelectorAll('form'))) {
      form.addEventListener('submit', (event) => {
        event.preventDefault();
        dialog.close();
      });
    }
  }
}
