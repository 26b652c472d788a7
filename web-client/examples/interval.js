// Polling: every five seconds, "is there anything new?". The price is a request each time, and messages that are late.

var since = 0;

function poll() {
  meter.request();
  $.ajax({
    type: 'GET',
    url: '/messages/',
    data: { cid: channel, since: since },
    success: function (resp, _, xhr) {
      meter.bytes(xhr.responseText.length + xhr.getAllResponseHeaders().length);
      if (resp.length === 0) return;
      // The newest comes first.
      since = resp[0].Id;
      for (var i = resp.length - 1; i >= 0; i -= 1) show(resp[i].Text);
    },
  });
}

poll();
setInterval(poll, 5000);
