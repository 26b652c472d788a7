// Runs in every browser, however old: where the page's modules did not start, it brings the client in the syntax of
// 2009, and where not even that could work it says so.
(function () {
  function sayTooOld() {
    var words = document.createElement('p');
    var sentence = 'This browser is too old for the arena. ';
    sentence += 'Firefox, Chromium, Safari and Edge of the last ten years play it.';
    words.appendChild(document.createTextNode(sentence));
    document.body.innerHTML = '';
    document.body.appendChild(words);
  }

  function choose() {
    // Modules have run by now, where the browser has any and understands what is in them.
    if (window.tickwireStarted) return;
    var canvas = document.createElement('canvas');
    var isEnough =
      canvas.getContext &&
      window.Uint8Array &&
      window.XMLHttpRequest &&
      'response' in new XMLHttpRequest() &&
      window.WeakMap;
    if (!isEnough) {
      sayTooOld();
      return;
    }
    var sheet = document.createElement('link');
    sheet.rel = 'stylesheet';
    sheet.href = 'legacy/old.css';
    document.getElementsByTagName('head')[0].appendChild(sheet);
    var script = document.createElement('script');
    script.src = 'legacy/arena.js';
    document.body.appendChild(script);
  }

  if (window.addEventListener) window.addEventListener('load', choose, false);
  else if (window.attachEvent) window.attachEvent('onload', sayTooOld);
})();
