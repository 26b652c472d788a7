// A board of quotes over a WebSocket. Each quote is published under its own key, so that a slow page gets fewer, fresher
// ones instead of all of them late. With `since` in the address, messages say where to go on after a cut.

var rows = {};
var since = '0';

function connect() {
  var scheme = window.location.protocol === 'https:' ? 'wss://' : 'ws://';
  var address = scheme + window.location.host + '/listen?cid=' + encodeURIComponent(channel) + '&since=' + since;
  var socket = new WebSocket(address);
  socket.onopen = function () {
    meter.request();
  };
  socket.onmessage = function (event) {
    meter.bytes(event.data.length + 2);
    var message = JSON.parse(event.data);
    // What is missing was older than what comes now.
    if (message.missed) return;
    since = message.Id;
    showQuote(JSON.parse(message.Text));
  };
  socket.onclose = function () {
    setTimeout(connect, 2000);
  };
}

connect();

function showQuote(quote) {
  meter.delay(quote.at);
  var row = rows[quote.symbol] || addRow(quote.symbol);
  var change = row.last === undefined ? 0 : quote.price - row.last;
  row.last = quote.price;
  row.price.textContent = quote.price.toFixed(2);
  row.change.textContent = (quote.change >= 0 ? '+' : '−') + Math.abs(quote.change).toFixed(2) + ' %';
  row.line.setAttribute('points', curve(row.prices, quote.price));
  row.element.className = change > 0 ? 'up' : change < 0 ? 'down' : '';
  row.change.className = quote.change >= 0 ? 'gain' : 'loss';
}

function addRow(symbol) {
  var element = document.getElementById('quotes').insertRow();
  element.insertCell().textContent = symbol;
  var cell = element.insertCell();
  var picture = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  picture.setAttribute('viewBox', '0 0 100 24');
  picture.setAttribute('preserveAspectRatio', 'none');
  picture.setAttribute('aria-hidden', 'true');
  var line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
  picture.appendChild(line);
  cell.appendChild(picture);
  var price = element.insertCell();
  rows[symbol] = { element: element, line: line, price: price, change: element.insertCell(), prices: [] };
  return rows[symbol];
}

/** The last 50 prices as a line. */
function curve(prices, price) {
  prices.push(price);
  if (prices.length > 50) prices.shift();
  var low = Math.min.apply(null, prices);
  var height = Math.max.apply(null, prices) - low || 1;
  return prices
    .map(function (one, at) {
      return ((at * 100) / 49).toFixed(1) + ',' + (22 - ((one - low) / height) * 20).toFixed(1);
    })
    .join(' ');
}
