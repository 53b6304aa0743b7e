// What the server reads from a file that has arrived, shown under it; title and period are filled
// in where they are empty. Personal data can be removed from the copy at once.
(function () {
  'use strict';

  const marathon = (window.marathon = window.marathon || {});
  const marker = document.querySelector('form [data-marathon-form]');
  const form = marker && marker.closest('form');
  const list = form && form.querySelector('[data-files]');
  const address = marker && marker.dataset.uploads;
  if (!list || !address) return;

  function find(block, name) { return block.querySelector('[data-' + name + ']'); }

  function number(block) { return find(block, 'upload-id').name.split('__')[1]; }

  function fill(name, value) {
    const input = form.querySelector('[name="' + name + '"]');
    if (!input || input.value || !value) return;
    input.value = value;
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }

  async function show(block, request) {
    const place = find(block, 'profile');
    const id = find(block, 'upload-id').value;
    place.setAttribute('aria-busy', 'true');
    try {
      const answer = await request();
      if (!answer.ok) throw new Error((await answer.json()).message);
      const said = await answer.json();
      // Meanwhile another file may have been chosen.
      if (find(block, 'upload-id').value !== id) return;
      place.innerHTML = said.html;
      fill('title', said.title);
      fill('temporal_coverage-0-start', said.period[0]);
      fill('temporal_coverage-0-end', said.period[1]);
      place.dispatchEvent(new CustomEvent('marathon:changed', { bubbles: true }));
    } catch (error) {
      place.textContent = marker.dataset.tNotRead;
    } finally {
      place.removeAttribute('aria-busy');
    }
  }

  function read(block) {
    const id = find(block, 'upload-id').value;
    find(block, 'profile').textContent = marker.dataset.tReading;
    return show(block, () => fetch(address + '/' + id + '/profile?index=' + number(block), {
      credentials: 'same-origin', cache: 'no-store',
    }));
  }

  list.addEventListener('marathon:uploaded', (event) => read(event.target.closest('[data-file]')));
  list.addEventListener('marathon:dropped', function (event) {
    find(event.target.closest('[data-file]'), 'profile').textContent = '';
  });

  list.addEventListener('click', function (event) {
    const button = event.target.closest('[data-clean]');
    if (!button) return;
    event.preventDefault();
    const block = button.closest('[data-file]');
    const sent = new URLSearchParams({ index: number(block) });
    const token = form.querySelector('input[name="' + marker.dataset.tokenName + '"]');
    sent.append(token.name, token.value);
    find(block, 'personal').querySelectorAll('[type="checkbox"]:checked').forEach(function (box) {
      sent.append('remove', box.value);
    });
    button.disabled = true;
    const id = find(block, 'upload-id').value;
    show(block, () => fetch(address + '/' + id + '/clean', {
      method: 'POST', body: sent, credentials: 'same-origin', headers: { Accept: 'application/json' },
    })).then(function () {
      const left = find(block, 'profile').querySelector('summary');
      if (left) left.focus();
    });
  });

  // A reason that is typed is meant to be given.
  list.addEventListener('input', function (event) {
    if (!event.target.name || !event.target.name.endsWith('__personal_reason') || !event.target.value) return;
    const choice = event.target.closest('[data-personal]').querySelector('[value="confirm"]');
    choice.checked = true;
  });

  // After an answer with errors: what was to be removed may be gone by now.
  marathon.readFilesAgain = function () {
    list.querySelectorAll('[data-personal]').forEach(function (personal) {
      const remove = personal.querySelector('[value="remove"]');
      if (remove.checked) read(personal.closest('[data-file]'));
    });
  };
})();
