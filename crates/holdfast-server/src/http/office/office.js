// What a page cannot do without a script: print itself, and keep in step what changes by itself. Without it everything else works.

'use strict';

const EVERY_MS = 10_000;

for (const key of document.querySelectorAll('[data-print]')) {
  key.hidden = false;
  key.addEventListener('click', () => window.print());
}

/** Whoever reads, types or has opened something here is not disturbed. */
const isBusy = (part) => part.contains(document.activeElement) || part.querySelector('details[open]') !== null;

/** Fetches the page anew and takes over the parts that are not as they were. A part that is the same stays the very same. */
function refresh() {
  if (document.hidden || document.querySelector('[data-live]') === null) return;
  const request = new XMLHttpRequest();
  request.open('GET', window.location.href);
  // Nobody asked: the session does not last longer for it.
  request.setRequestHeader('x-holdfast-refresh', '1');
  request.responseType = 'document';
  request.addEventListener('load', () => {
    const fresh = request.response;
    if (fresh === null || request.status !== 200) return;
    if (fresh.querySelector('[data-live]') === null) {
      // The session is over, and this is the way in.
      window.location.reload();
      return;
    }
    for (const old of document.querySelectorAll('[data-live]')) {
      const now = fresh.getElementById(old.id);
      if (now !== null && !now.isEqualNode(old) && !isBusy(old)) old.replaceWith(document.adoptNode(now));
    }
  });
  request.send();
}

setInterval(refresh, EVERY_MS);
document.addEventListener('visibilitychange', refresh);
