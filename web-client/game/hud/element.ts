/** Looks elements of the page up; one that is missing is a mistake in `index.html`, so it throws. */

/** The element that a selector names. */
export function find<E extends Element>(root: ParentNode, selector: string): E {
  const element = root.querySelector<E>(selector);
  if (element === null) throw new Error(`the page has no ${selector}`);
  return element;
}

/** Writes text only where it changed: the browser does no work for the same text again. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
