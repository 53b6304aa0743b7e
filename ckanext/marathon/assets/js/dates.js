// The button beside a date opens the browser's calendar, and the day chosen there is written into
// the text. Rows that are added later have it too.
(function () {
  'use strict';

  const canPick = 'showPicker' in HTMLInputElement.prototype;
  if (!canPick) return;
  document.documentElement.classList.add('marathon-can-pick');

  function calendarOf(place) {
    const known = place.querySelector('[data-date-calendar]');
    if (known) return known;
    const calendar = document.createElement('input');
    calendar.type = 'date';
    calendar.tabIndex = -1;
    calendar.className = 'marathon-date-calendar';
    calendar.dataset.dateCalendar = '';
    calendar.setAttribute('aria-hidden', 'true');
    calendar.addEventListener('change', function () {
      const text = place.querySelector('input[name]');
      if (!calendar.value) return;
      text.value = calendar.value;
      text.dispatchEvent(new Event('input', { bubbles: true }));
      text.dispatchEvent(new Event('change', { bubbles: true }));
      text.focus();
    });
    place.append(calendar);
    return calendar;
  }

  document.addEventListener('click', function (event) {
    const button = event.target.closest('[data-date-pick]');
    if (!button) return;
    const place = button.closest('[data-date-field]');
    const calendar = calendarOf(place);
    const day = /^\d{4}-\d{2}-\d{2}/.exec(place.querySelector('input[name]').value);
    calendar.value = day ? day[0] : '';
    calendar.showPicker();
  });
})();
