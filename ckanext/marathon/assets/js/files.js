// Files of the form: add, remove, say at once when one is too large to be sent.
(function () {
  'use strict';

  const marathon = (window.marathon = window.marathon || {});
  const marker = document.querySelector('form [data-marathon-form]');
  const form = marker && marker.closest('form');
  const list = form && form.querySelector('[data-files]');
  if (!list) return;

  const template = form.querySelector('[data-file-template]');
  const add = form.querySelector('[data-add-file]');
  let next = list.querySelectorAll('[data-file]').length;

  function renumber() {
    const files = list.querySelectorAll('[data-file]');
    files.forEach(function (file, index) {
      file.querySelector('[data-number]').textContent = index + 1;
      file.querySelector('[data-remove-file]').hidden = files.length === 1;
    });
  }

  // Returns what is wrong with a chosen file, or ''.
  marathon.tooBig = function (file) {
    const limit = Number(marker.dataset.maxMb);
    if (file.size <= limit * 1024 * 1024) return '';
    return marker.dataset.tTooBig.replace('{name}', file.name).replace('{limit}', limit);
  };

  add.hidden = false;
  add.addEventListener('click', function () {
    const holder = document.createElement('div');
    holder.innerHTML = template.innerHTML.replaceAll('INDEX', String(next));
    next += 1;
    const file = holder.firstElementChild;
    list.append(file);
    renumber();
    file.querySelector('input').focus();
  });

  list.addEventListener('click', function (event) {
    const button = event.target.closest('[data-remove-file]');
    if (!button) return;
    button.closest('[data-file]').remove();
    renumber();
    list.querySelector('input').focus();
  });

  list.addEventListener('change', function (event) {
    if (event.target.type !== 'file') return;
    const slot = event.target.closest('[data-file]').querySelector('[data-field-error]');
    const file = event.target.files[0];
    const wrong = file ? marathon.tooBig(file) : '';
    slot.textContent = '';
    if (wrong) marathon.showError(slot, event.target, wrong);
  });

  renumber();
})();
