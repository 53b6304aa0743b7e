// Errors that the server found, shown where they belong without leaving the page.
(function () {
  'use strict';

  const marathon = (window.marathon = window.marathon || {});
  let count = 0;

  function unfold(element) {
    for (let at = element; at; at = at.parentElement) {
      if (at.tagName === 'DETAILS') at.open = true;
    }
  }

  function place(form, name) {
    const input = form.querySelector('[name="' + CSS.escape(name) + '"]:not([type="hidden"])');
    const at = form.querySelector('#at-' + CSS.escape(name));
    if (name.startsWith('resources__')) {
      return [form.querySelector('#at-resource-' + Number(name.split('__')[1])), input];
    }
    if (input) return [input.closest('.form-group') || at, input];
    return [at, at && at.querySelector('input:not([type="hidden"]), select, textarea')];
  }

  marathon.showError = function (slot, input, text) {
    const block = document.createElement('span');
    block.className = 'error-block';
    block.id = 'marathon-error-' + (count += 1);
    block.textContent = text;
    slot.append(block);
    if (input) {
      input.setAttribute('aria-invalid', 'true');
      input.setAttribute('aria-describedby', block.id);
    }
  };

  marathon.clearErrors = function (within) {
    within.querySelectorAll('.error-block').forEach((block) => block.remove());
    within.querySelectorAll('.error').forEach((group) => group.classList.remove('error'));
    within.querySelectorAll('[aria-invalid]').forEach(function (input) {
      input.removeAttribute('aria-invalid');
      input.removeAttribute('aria-describedby');
    });
  };

  // names: {name of an input: [texts]}; summary: html with links to the fields.
  marathon.showErrors = function (form, names, summary) {
    marathon.clearErrors(form);
    Object.entries(names).forEach(function (entry) {
      const [where, input] = place(form, entry[0]);
      if (!where) return;
      unfold(where);
      where.classList.add('error');
      const slot = where.querySelector('[data-field-error]') || where.querySelector('.controls') || where;
      entry[1].forEach((text) => marathon.showError(slot, input, text));
    });
    const box = form.querySelector('[data-errors]');
    box.innerHTML = summary;
    box.focus();
    box.scrollIntoView({ block: 'start' });
  };

  // What is being put right is no longer called wrong. While it is typed, not when the field is
  // left: the page would move under the button that is being pressed, and the press would miss it.
  document.addEventListener('input', function (event) {
    const group = event.target.closest(':is(.marathon-form, #resource-edit) .error');
    if (!group || event.target.type === 'file') return;
    marathon.clearErrors(group);
    group.classList.remove('error');
  });

  document.addEventListener('click', function (event) {
    const link = event.target.closest('.marathon-errors a[href^="#"]');
    const target = link && document.getElementById(link.hash.slice(1));
    if (!target) return;
    event.preventDefault();
    unfold(target);
    target.scrollIntoView({ block: 'center' });
    const input = target.querySelector(
      'input:not([type="hidden"]):not([hidden]), select, textarea'
    );
    if (input) input.focus({ preventScroll: true });
  });
})();
