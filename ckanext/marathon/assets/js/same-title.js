// Points out a dataset of the organisation that has the same title already. It may be meant so.
(function () {
  'use strict';

  const marker = document.querySelector('form [data-marathon-form][data-same-title]');
  const form = marker && marker.closest('form');
  const input = form && form.querySelector('[name="title"]');
  if (!input) return;

  const notice = document.createElement('p');
  notice.className = 'marathon-same-title';
  notice.setAttribute('role', 'status');
  input.closest('.form-group').append(notice);
  let timer = 0;
  let asked = '';

  async function look() {
    const owner = form.querySelector('[name="owner_org"]');
    const query = new URLSearchParams({ title: input.value, owner_org: owner ? owner.value : '' }).toString();
    if (query === asked) return;
    asked = query;
    notice.textContent = '';
    if (!input.value.trim()) return;
    const answer = await fetch(marker.dataset.sameTitle + '?' + query, { credentials: 'same-origin' }).catch(() => null);
    if (!answer || !answer.ok || query !== asked) return;
    const same = (await answer.json()).same;
    if (!same.length) return;
    notice.append(marker.dataset.tSameTitle + ' ');
    same.slice(0, 3).forEach(function (one) {
      const link = document.createElement('a');
      link.href = one.url;
      link.target = '_blank';
      link.rel = 'noopener';
      link.textContent = one.title;
      notice.append(link, ' ');
    });
  }

  form.addEventListener('input', function (event) {
    if (event.target !== input && event.target.name !== 'owner_org') return;
    clearTimeout(timer);
    timer = setTimeout(look, 600);
  });
})();
