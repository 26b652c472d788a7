// WebSocket: one connection, both ways. What is sent here is published where the channel's namespace lets it: in the
// gallery it does; in channel 5 it does not, and the server says so.

var scheme = window.location.protocol === 'https:' ? 'wss://' : 'ws://';
var socket = new WebSocket(scheme + window.location.host + '/listen?cid=' + encodeURIComponent(channel));
socket.onopen = function () {
  meter.request();
};
socket.onmessage = function (event) {
  // A frame's head has two bytes, or four.
  meter.bytes(event.data.length + 2);
  show(event.data);
};
socket.onclose = function () {
  show('(closed)');
};

document.getElementById('say').onsubmit = function () {
  var input = document.getElementById('text');
  if (input.value !== '') socket.send(JSON.stringify({ message: input.value }));
  input.value = '';
  return false;
};
