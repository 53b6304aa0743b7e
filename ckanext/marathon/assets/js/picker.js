// A list of checkboxes gets a search box and chips for what is chosen. Without this script the
// list itself is there, folded in groups.
(function () {
  'use strict';

  const marathon = (window.marathon = window.marathon || {});

  // As people type: without accents, in any case.
  marathon.fold = function (text) {
    return text.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase();
  };

  function words(option) {
    return marathon.fold(option.textContent + ' ' + (option.dataset.words || ''));
  }

  function start(root) {
    const chips = root.querySelector('[data-chips]');
    const search = root.querySelector('[data-search]');
    const options = root.querySelector('[data-options]');
    const browse = root.querySelector('[data-browse]');
    const nothing = document.createElement('p');
    nothing.className = 'empty';
    nothing.textContent = root.dataset.tNothing;
    nothing.hidden = true;
    nothing.setAttribute('role', 'status');
    options.after(nothing);
    search.hidden = false;

    function all() {
      return Array.from(options.querySelectorAll('.marathon-option'));
    }

    function drawChips() {
      chips.textContent = '';
      all().forEach(function (option) {
        const box = option.querySelector('input');
        if (!box.checked) return;
        const name = option.querySelector('[data-label]').textContent;
        const item = document.createElement('li');
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'marathon-chip';
        button.textContent = name;
        button.setAttribute('aria-label', root.dataset.tRemove.replace('{name}', name));
        button.addEventListener('click', function () {
          box.checked = false;
          box.dispatchEvent(new Event('change', { bubbles: true }));
          search.focus();
        });
        item.append(button);
        chips.append(item);
      });
    }

    function filter() {
      const wanted = marathon.fold(search.value).split(/\s+/).filter(Boolean);
      let found = 0;
      all().forEach(function (option) {
        const text = words(option);
        option.hidden = !wanted.every((word) => text.includes(word));
        if (!option.hidden) found += 1;
      });
      options.querySelectorAll('[data-group]').forEach(function (group) {
        const shown = group.querySelectorAll('.marathon-option:not([hidden])').length;
        group.hidden = !shown;
        group.open = wanted.length > 0 || group.querySelector('input:checked') !== null;
      });
      if (browse && wanted.length) browse.open = true;
      nothing.hidden = found > 0 || all().length === 0;
    }

    options.addEventListener('change', drawChips);
    search.addEventListener('input', filter);
    search.addEventListener('keydown', function (event) {
      const shown = all().filter((option) => !option.hidden);
      if (event.key === 'Enter') {
        // Enter must not send the form; with one answer left it means that one.
        event.preventDefault();
        if (search.value && shown.length === 1) {
          const box = shown[0].querySelector('input');
          box.checked = !box.checked;
          box.dispatchEvent(new Event('change', { bubbles: true }));
          search.value = '';
          filter();
        }
      } else if (event.key === 'ArrowDown' && shown.length) {
        event.preventDefault();
        if (browse) browse.open = true;
        const group = shown[0].closest('[data-group]');
        if (group) group.open = true;
        shown[0].querySelector('input').focus();
      }
    });
    root.addEventListener('marathon:options', function () {
      drawChips();
      filter();
    });
    drawChips();
  }

  document.querySelectorAll('[data-marathon-picker]').forEach(start);
})();
