'use strict';

// Each button names its keys; a held key and a shortcut such as Ctrl-R do
// nothing, and an image takes one answer.
const buttons = [...document.querySelectorAll('button[data-keys]')];
let sent = false;

document.addEventListener('keydown', (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const button = buttons.find((b) => b.dataset.keys.split(' ').includes(key));
  if (!button) return;
  event.preventDefault();
  button.click();
});
document.querySelector('form.answer').addEventListener('submit', (event) => {
  if (sent) event.preventDefault();
  sent = true;
});
// Back again from the browser's own memory.
window.addEventListener('pageshow', () => { sent = false; });
