// Helpers for all views of the admin page. Data is put into the page as text, never as markup.
import { Problem } from './api.js';
import { byId, set } from './elements.js';

export * from './elements.js';

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
