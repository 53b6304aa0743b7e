// Files of the form: add, remove, drop from the desktop, say at once when one is too large.
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

  function addBlock() {
    const holder = document.createElement('div');
    holder.innerHTML = template.innerHTML.replaceAll('INDEX', String(next));
    next += 1;
    const file = holder.firstElementChild;
    list.append(file);
    renumber();
    return file;
  }

  add.hidden = false;
  add.addEventListener('click', function () {
    addBlock().querySelector('input:not([type="hidden"])').focus();
  });

  list.addEventListener('click', function (event) {
    const button = event.target.closest('[data-remove-file]');
    if (!button) return;
    const block = button.closest('[data-file]');
    block.dispatchEvent(new CustomEvent('marathon:removed', { bubbles: true }));
    block.remove();
    renumber();
    list.querySelector('input:not([type="hidden"])').focus();
    list.dispatchEvent(new CustomEvent('marathon:changed', { bubbles: true }));
  });

  // Files that are dropped anywhere on the list: the first takes an empty place, the others get new
  // ones.
  function isEmpty(block) {
    const begun = block.querySelector('[data-upload-id]');
    const url = block.querySelector('input[type="url"]');
    return !block.querySelector('input[type="file"]').files.length && !url.value && !(begun && begun.value);
  }

  function carriesFiles(event) {
    return event.dataTransfer && [...event.dataTransfer.types].includes('Files');
  }

  const zone = list.parentElement;
  ['dragenter', 'dragover'].forEach(function (name) {
    zone.addEventListener(name, function (event) {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      zone.classList.add('marathon-dropping');
    });
  });
  ['dragleave', 'drop'].forEach(function (name) {
    zone.addEventListener(name, function (event) {
      if (event.type === 'drop' || !zone.contains(event.relatedTarget)) zone.classList.remove('marathon-dropping');
    });
  });
  zone.addEventListener('drop', function (event) {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    const aimed = event.target.closest('[data-file]');
    [...event.dataTransfer.files].forEach(function (file, number) {
      const blocks = [...list.querySelectorAll('[data-file]')];
      const block = (number === 0 && aimed) || blocks.find(isEmpty) || addBlock();
      const holder = new DataTransfer();
      holder.items.add(file);
      const input = block.querySelector('input[type="file"]');
      input.files = holder.files;
      input.dispatchEvent(new Event('change', { bubbles: true }));
    });
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
