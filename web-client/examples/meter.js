// What listening costs: requests, bytes, and how long a message was on its way. In the language of old browsers, since
// the examples are for them as well.

/** The channel that this page listens to: `?cid=` in its own address, or what it was made for. */
var channel = (function () {
  var asked = /[?&]cid=([^&]*)/.exec(window.location.search);
  return asked ? decodeURIComponent(asked[1]) : document.documentElement.getAttribute('data-channel');
})();

var meter = (function () {
  var counts = { requests: 0, bytes: 0, messages: 0, delay: 0 };

  function write() {
    put('requests', counts.requests);
    put('bytes', counts.bytes < 10000 ? counts.bytes : Math.round(counts.bytes / 1000) + ' k');
    put('delay', counts.messages === 0 ? '–' : Math.round(counts.delay / counts.messages) + ' ms');
  }

  function put(name, value) {
    var place = document.getElementById(name);
    if (place) place.innerHTML = value;
  }

  return {
    counts: counts,
    /** A request has gone out. */
    request: function () {
      counts.requests += 1;
      write();
    },
    /** So much has come. */
    bytes: function (count) {
      counts.bytes += count;
      write();
    },
    /** A message has come that says when it was sent. */
    delay: function (sentAtMs) {
      counts.messages += 1;
      counts.delay += Math.max(new Date().getTime() - sentAtMs, 0);
      write();
    },
  };
})();

/** Shows a message. What the gallery sends also says when, for the meter. */
function show(text) {
  var line = document.createElement('li');
  var said = text;
  try {
    var sent = JSON.parse(text);
    if (sent && typeof sent.text === 'string') {
      said = sent.text;
      if (sent.at) meter.delay(sent.at);
    }
  } catch (_) {
    // Not from the gallery: plain text.
  }
  line.appendChild(document.createTextNode(said));
  var list = document.getElementById('messages');
  list.insertBefore(line, list.firstChild);
  while (list.childNodes.length > 50) list.removeChild(list.lastChild);
}
