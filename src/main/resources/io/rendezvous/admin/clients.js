// What decides which clients reach a hidden server: its password, and links to it.
import { call, get, post, put } from './api.js';
import { byId, confirm, copy, say, set } from './dom.js';
import { date, nameOf } from './format.js';

const LIFETIMES = [['1h', '1 hour'], ['24h', '1 day'], ['7d', '7 days'], ['30d', '30 days']];
const code = byId('code');
const copyButton = code.querySelector('.code button');

/** Shows a QR code, and the text of a link if there is one. */
export function showCode({ title, hint, picture, alt, link }) {
  const image = code.querySelector('img');
  set(byId('code-title'), title);
  set(code.querySelector('.hint'), hint);
  code.querySelector('.code').hidden = !link;
  set(code.querySelector('code'), link ?? '');
  image.src = URL.createObjectURL(picture);
  image.alt = alt;
  code.addEventListener('close', () => {
    URL.revokeObjectURL(image.src);
    image.removeAttribute('src');
    set(code.querySelector('code'), '');
  }, { once: true });
  code.showModal();
}

copyButton.addEventListener('click', () => copy(code.querySelector('code').textContent, code.querySelector('code')));

function paragraph(...parts) {
  const text = document.createElement('p');
  text.append(...parts);
  return text;
}

function labelled(text, control) {
  const label = document.createElement('label');
  label.append(text, control);
  return label;
}

/** Handles the buttons of the hidden server that is shown. `shown` has functions that return it, and update it. */
export function listenToClientButtons(shown) {
  const path = part => `entries/${shown.uuid()}/${part}`;

  byId('set-password').addEventListener('click', () => {
    const input = document.createElement('input');
    Object.assign(input, { type: 'password', required: true, minLength: 8, maxLength: 256, autocomplete: 'new-password' });
    const text = paragraph('Clients of ', shown.name(), ' send it together with the UUID, which they type in lower case.'
      + ' It counts for new connections.');
    confirm('Set a password', [labelled('Password, at least 8 characters ', input), text], 'Set', false, async () => {
      shown.update(await put(path('password'), { password: input.value }));
      say('The password was set.');
    });
  });

  byId('remove-password').addEventListener('click', () => {
    const text = paragraph('Clients of ', shown.name(), ' need no password from now on.');
    confirm('Remove the password', [text], 'Remove', true, async () => {
      await call('DELETE', path('password'));
      shown.update(await get(`entries/${shown.uuid()}`));
      say('The password was removed.');
    });
  });

  byId('share').addEventListener('click', () => {
    const select = document.createElement('select');
    select.append(...LIFETIMES.map(([value, text]) => new Option(text, value)));
    select.value = '24h';
    const input = document.createElement('input');
    Object.assign(input, { value: '/', required: true, spellcheck: false, autocapitalize: 'none', autocomplete: 'off' });
    confirm('Create a link', [labelled('It is valid for ', select), labelled('It opens the path ', input)], 'Create', false, async () => {
      const link = await post(path('links'), { for: select.value, path: input.value });
      const picture = await (await call('POST', 'qr.svg', { text: link.url })).blob();
      showCode({
        title: `Link to ${nameOf(shown.entry())}`,
        hint: `The link works until ${date(link.expires)}, for everyone who has it.`,
        picture,
        alt: `QR code: link to ${nameOf(shown.entry())}`,
        link: link.url,
      });
    });
  });

  byId('unshare').addEventListener('click', () => {
    const text = paragraph('All links to ', shown.name(), ' become void, and so do the logins of those who opened them.');
    confirm('Revoke all links', [text], 'Revoke', true, async () => {
      await call('DELETE', path('links'));
      say('All links were revoked.');
    });
  });
}
