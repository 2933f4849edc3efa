// Helpers for all views. Data is put into the page as text, never as markup.
import { Problem } from './api.js';
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

let clearing;

/** Shows a message for a few seconds, and lets screen readers announce it. */
export function say(text) {
  const message = byId('said');
  message.textContent = text;
  clearTimeout(clearing);
  clearing = setTimeout(() => { message.textContent = ''; }, 6000);
}

export async function copy(text, source) {
  try {
    await navigator.clipboard.writeText(text);
    say('Copied.');
  } catch {
    if (source) getSelection().selectAllChildren(source);
    say('The browser does not allow copying here. Press Ctrl+C.');
  }
}

/** Runs an action, and shows its error in an element. Returns whether it succeeded. */
export async function attempt(element, action) {
  element.textContent = '';
  try {
    await action();
    return true;
  } catch (e) {
    if (!(e instanceof Problem)) throw e;
    element.textContent = e.message;
    return false;
  }
}

/** Runs an action when a form is submitted, one run at a time. */
export function onSubmit(form, action) {
  form.addEventListener('submit', async event => {
    event.preventDefault();
    if (form.ariaBusy === 'true') return;
    form.ariaBusy = 'true';
    await attempt(form.querySelector('.error'), action).finally(() => { form.ariaBusy = 'false'; });
  });
}

for (const button of document.querySelectorAll('[data-close]')) {
  button.addEventListener('click', () => button.closest('dialog').close());
}

let confirmedAction;

/** Asks for confirmation before an action. `body` has elements and texts. */
export function confirm(title, body, verb, danger, action) {
  const dialog = byId('confirm');
  set(byId('confirm-title'), title);
  byId('confirm-body').replaceChildren(...body);
  byId('confirm-do').textContent = verb;
  byId('confirm-do').className = danger ? 'danger' : 'primary';
  dialog.querySelector('.error').textContent = '';
  confirmedAction = action;
  dialog.showModal();
}

onSubmit(byId('confirm').querySelector('form'), async () => {
  await confirmedAction();
  byId('confirm').close();
});
