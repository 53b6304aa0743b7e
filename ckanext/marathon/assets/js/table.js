// The shown rows of a table are filtered while typing, and sorted where the server does not do that.
(function () {
  'use strict';

  document.querySelectorAll('[data-table]').forEach(function (section) {
    const body = section.querySelector('tbody');
    const rows = Array.from(body.rows);
    const input = section.querySelector('[data-table-filter]');
    const box = section.querySelector('[data-table-box]');
    const status = section.querySelector('[data-table-status]');
    if (box) box.hidden = false;
    if (input) {
      // What the server has found already is not filtered again.
      input.addEventListener('input', function () {
        filter(rows, input.value, status);
      });
    }
    section.querySelectorAll('thead th').forEach(function (heading, place) {
      if (!heading.querySelector('a')) makeSortable(heading, place, body);
    });
  });

  // Accents and capitals do not matter.
  function plain(text) {
    return text.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase();
  }

  function filter(rows, typed, status) {
    const words = plain(typed).split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach(function (row) {
      const text = plain(row.textContent);
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) count += 1;
    });
    status.textContent = status.dataset.tShown.replace('{count}', count);
  }

  function makeSortable(heading, place, body) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'marathon-sort';
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener('click', function () {
      const isDescending = heading.getAttribute('aria-sort') === 'ascending';
      heading.parentElement.querySelectorAll('th').forEach((th) => th.removeAttribute('aria-sort'));
      heading.setAttribute('aria-sort', isDescending ? 'descending' : 'ascending');
      const rows = Array.from(body.rows);
      rows.sort(function (one, other) {
        return compare(one.cells[place], other.cells[place], heading.dataset.number, isDescending);
      });
      body.append(...rows);
    });
  }

  // Empty cells come last in both directions.
  function compare(one, other, isNumber, isDescending) {
    const [a, b] = [one.textContent.trim(), other.textContent.trim()];
    if (!a || !b) return a ? -1 : b ? 1 : 0;
    const order = isNumber ? Number(a) - Number(b) : a.localeCompare(b, undefined, { numeric: true });
    return isDescending ? -order : order;
  }
})();
