// Helpers that show data in elements, for all pages. Data is put into them as text, never as markup.
import { ago, date, plain } from './format.js';

export const byId = id => document.getElementById(id);

/** Returns the descendants of an element that show data, by their names. */
export function parts(element) {
  const found = {};
  for (const part of element.querySelectorAll('[data-f]')) found[part.dataset.f] = part;
  return found;
}

export const copyOf = template => byId(template).content.cloneNode(true).firstElementChild;

/** Sets a text. Leaves an unchanged one alone, so that a selection in it is kept. */
export function set(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

export function state(element, kind, text) {
  element.dataset.state = kind;
  set(element, text);
}

/** Shows how long ago a time was, and keeps this up to date. */
export function since(element, time, before = '') {
  if (!time) {
    delete element.dataset.since;
    element.title = '';
    return;
  }
  element.dataset.since = time;
  element.dataset.before = before;
  element.title = date(time);
  set(element, before + ago(time));
}

setInterval(() => {
  for (const element of document.querySelectorAll('[data-since]')) {
    set(element, element.dataset.before + ago(element.dataset.since));
  }
}, 5000);

/** Shows the labels of an entry, or another text if it has none. Each label keeps its own text direction. */
export function showName(element, labels, otherwise) {
  const names = labels.length ? labels : [otherwise];
  const shown = names.map(plain).join('\n');
  if (element.dataset.shown === shown) return;
  element.dataset.shown = shown;
  element.replaceChildren(...names.flatMap((label, i) => {
    const isolated = document.createElement('bdi');
    isolated.textContent = plain(label);
    return i ? [', ', isolated] : [isolated];
  }));
}

/** Makes these elements the children of a parent, in order. Elements that are in place already keep the focus. */
export function arrange(parent, elements) {
  const wanted = new Set(elements);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  const focused = document.activeElement;
  elements.forEach((element, i) => {
    if (parent.children[i] !== element) parent.insertBefore(element, parent.children[i] ?? null);
  });
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}
