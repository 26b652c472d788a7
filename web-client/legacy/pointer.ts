/** Pointer events for browsers that only know the mouse. */

const POINTER_OF_MOUSE: Record<string, string> = {
  mousedown: 'pointerdown',
  mousemove: 'pointermove',
  mouseup: 'pointerup',
};

/** The bit in `buttons` of the button that an event is about. */
const BITS = [1, 4, 2];

if (typeof PointerEvent === 'undefined') {
  let buttons = 0;
  const repeat = (mouse: MouseEvent): void => {
    const bit = BITS[mouse.button] ?? 0;
    if (mouse.type === 'mousedown') buttons |= bit;
    if (mouse.type === 'mouseup') buttons &= ~bit;
    const pointer = document.createEvent('MouseEvents');
    pointer.initMouseEvent(
      POINTER_OF_MOUSE[mouse.type]!,
      true,
      true,
      window,
      0,
      mouse.screenX,
      mouse.screenY,
      mouse.clientX,
      mouse.clientY,
      mouse.ctrlKey,
      mouse.altKey,
      mouse.shiftKey,
      mouse.metaKey,
      mouse.button,
      null,
    );
    for (const [name, value] of Object.entries({ pointerType: 'mouse', pointerId: 1, buttons })) {
      Object.defineProperty(pointer, name, { value });
    }
    mouse.target?.dispatchEvent(pointer);
  };
  for (const name of Object.keys(POINTER_OF_MOUSE)) {
    document.addEventListener(name, (event) => repeat(event as MouseEvent), true);
  }
  Element.prototype.setPointerCapture = () => {};
}
