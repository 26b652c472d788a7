// A page in a hidden frame that never ends: each message is a little script in it that calls `handle` out here.

function handle(message) {
  // A script element with its nonce around each.
  meter.bytes(message.length + 80);
  show(message);
}

// The page in the frame looks for it here.
window.handle = handle;

// Begun once this page is there: it would count as loading for ever otherwise.
window.onload = function () {
  setTimeout(function () {
    meter.request();
    document.getElementById('comet').src = '/listen/?cid=' + encodeURIComponent(channel);
  }, 0);
};
