// The composer: what is said here goes to all pages below, each by its own way, with the time at which it was sent.

const scheme = window.location.protocol === 'https:' ? 'wss://' : 'ws://';
const said = document.querySelector('#said');
const input = document.querySelector('#text');
let socket = connect();
let count = 0;
let flood;

document.querySelector('#say').addEventListener('submit', (event) => {
  event.preventDefault();
  if (input.value !== '') say(input.value);
  input.value = '';
});

document.querySelector('#flood').addEventListener('click', (event) => {
  if (flood === undefined) {
    flood = setInterval(() => {
      count += 1;
      say(`message ${count}`);
    }, 1000);
  } else {
    clearInterval(flood);
    flood = undefined;
  }
  event.target.setAttribute('aria-pressed', String(flood !== undefined));
});

function say(text) {
  socket.send(JSON.stringify({ message: { text, at: Date.now() } }));
}

function connect() {
  const opened = new WebSocket(`${scheme}${window.location.host}/listen?cid=chat:gallery`);
  opened.onopen = () => {
    said.textContent = 'connected';
  };
  opened.onmessage = (event) => {
    const { error } = JSON.parse(event.data);
    if (error !== undefined) said.textContent = error.message;
  };
  opened.onclose = () => {
    said.textContent = 'the connection is lost; trying again';
    setTimeout(() => {
      socket = connect();
    }, 2000);
  };
  return opened;
}
