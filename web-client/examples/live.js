// A live text feed over server-sent events. Who comes late gets what was said before; who was cut off, what it missed.

var source = new EventSource('/listen/?cid=' + encodeURIComponent(channel) + '&since=0');
source.onopen = function () {
  meter.request();
};
source.onmessage = function (event) {
  meter.bytes(event.data.length + event.lastEventId.length + 14);
  var entry = JSON.parse(event.data);
  meter.delay(entry.at);
  var line = document.createElement('li');
  var time = document.createElement('time');
  time.textContent = entry.minute + '′';
  line.appendChild(time);
  line.appendChild(document.createTextNode(entry.text));
  if (entry.isGoal) line.className = 'goal';
  var list = document.getElementById('messages');
  list.insertBefore(line, list.firstChild);
  while (list.childNodes.length > 50) list.removeChild(list.lastChild);
};
