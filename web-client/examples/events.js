// Server-sent events: one request, an answer that goes on, and a browser that comes back by itself where it was.

var source = new EventSource('/listen/?cid=' + encodeURIComponent(channel));
source.onopen = function () {
  meter.request();
};
source.onmessage = function (event) {
  // `id: …` and `data: …`.
  meter.bytes(event.data.length + event.lastEventId.length + 14);
  show(event.data);
};
