// What all views build with. Data gets into the page as text and never as markup.
import { Problem } from './api.js';
import { ago, date, plain } from './format.js';

export const byId = id => document.getElementById(id);

/** The parts of an element that are filled with data, by name. */
export function parts(element) {
  const found = {};
  for (const part of element.querySelectorAll('[data-f]')) found[part.dataset.f] = part;
  return found;
}

export const copyOf = template => byId(template).content.cloneNode(true).firstElementChild;

/** Leaves what is unchanged alone, so that a selection in it stays. */
export function set(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

export function state(element, kind, text) {
  element.dataset.state = kind;
  set(element, text);
}

/** Shows how long ago that was, from now on. */
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

/** The entry's labels, each kept to its own direction, or the start of its UUID. */
export function name(element, labels, instead) {
  const names = labels.length ? labels : [instead];
  const shown = names.map(plain).join('\n');
  if (element.dataset.shown === shown) return;
  element.dataset.shown = shown;
  element.replaceChildren(...names.flatMap((label, i) => {
    const isolated = document.createElement('bdi');
    isolated.textContent = plain(label);
    return i ? [', ', isolated] : [isolated];
  }));
}

/** Brings the children of a parent to this order. What is in place already is not touched, and keeps the focus. */
export function arrange(parent, elements) {
  const wanted = new Set(elements);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  const focused = document.activeElement;
  elements.forEach((element, i) => {
    if (parent.children[i] !== element) parent.insertBefore(element, parent.children[i] ?? null);
  });
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}

let silence;

/** Says something in passing, to the eye and to screen readers. */
export function say(text) {
  const said = byId('said');
  said.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => { said.textContent = ''; }, 6000);
}

export async function copy(text, source) {
  try {
    await navigator.clipboard.writeText(text);
    say('Copied.');
  } catch {
    if (source) getSelection().selectAllChildren(source);
    say('The browser does not let this page copy. Press Ctrl+C.');
  }
}

/** Does something, and shows near it why it failed. */
export async function attempt(element, what) {
  element.textContent = '';
  try {
    await what();
    return true;
  } catch (e) {
    if (!(e instanceof Problem)) throw e;
    element.textContent = e.message;
    return false;
  }
}

/** Calls this when the form is sent, once at a time. */
export function onSubmit(form, what) {
  form.addEventListener('submit', async event => {
    event.preventDefault();
    if (form.ariaBusy === 'true') return;
    form.ariaBusy = 'true';
    await attempt(form.querySelector('.error'), what).finally(() => { form.ariaBusy = 'false'; });
  });
}

for (const button of document.querySelectorAll('[data-close]')) {
  button.addEventListener('click', () => button.closest('dialog').close());
}

let confirmed;

/** Asks before it does something. `body` holds elements and texts. */
export function confirm(title, body, verb, danger, what) {
  const dialog = byId('confirm');
  set(byId('confirm-title'), title);
  byId('confirm-body').replaceChildren(...body);
  byId('confirm-do').textContent = verb;
  byId('confirm-do').className = danger ? 'danger' : 'primary';
  dialog.querySelector('.error').textContent = '';
  confirmed = what;
  dialog.showModal();
}

onSubmit(byId('confirm').querySelector('form'), async () => {
  await confirmed();
  byId('confirm').close();
});
