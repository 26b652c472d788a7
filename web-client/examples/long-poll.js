// Long polling, also called Comet: the server keeps the question until it has an answer. A cookie remembers where this
// page was, so that nothing falls between two questions.

function listen() {
  meter.request();
  $.ajax({
    type: 'GET',
    url: '/listen/',
    data: { cid: channel },
    success: function (messages, _, xhr) {
      meter.bytes(xhr.responseText.length + xhr.getAllResponseHeaders().length);
      for (var i = 0; i < messages.length; i += 1) show(messages[i].Text);
      listen();
    },
    error: function () {
      setTimeout(listen, 10000);
    },
  });
}

listen();
