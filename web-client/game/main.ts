/**
 * The page: wires screen, sound, input and dialogs together, and starts a game when the player asks for one.
 */

import { Keeper, type Kept, type Lag, loadRules } from '../engine/index.ts';
import { NetGraph } from '../engine/net-graph/net-graph.ts';
import { STEPS_PER_UNIT } from './field.ts';
import { Game } from './game.ts';
import { find } from './hud/element.ts';
import { Hud } from './hud/hud.ts';
import { JoinDialog } from './hud/join-dialog.ts';
import { Keyboard } from './input/keyboard.ts';
import { Mouse } from './input/mouse.ts';
import { Pilot } from './input/pilot.ts';
import { Touch } from './input/touch.ts';
import { type JoinRequest, protocol } from './protocol.ts';
import rulesAddress from './rules.wasm?url';
import { serverAddress } from './server-address.ts';
import { Sound } from './sound.ts';
import { Stage } from './stage.ts';

// Tells `legacy/choose.js` that this browser understands what is in here.
Object.defineProperty(window, 'tickwireStarted', { value: true });

/** A page that was hidden for long must not move everything by minutes in one frame. */
const FRAME_S_MAX = 0.1;

const wantsLessMotion = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
const address = serverAddress(
  window.location,
  document.querySelector<HTMLMetaElement>('meta[name="tickwire-server"]')?.content,
);
const keeper = new Keeper(`${protocol.name} ${protocol.hash} ${address}`);
const query = new URLSearchParams(window.location.search);
const transport = query.get('transport') ?? '';
const netGraph = new NetGraph(find(document, '.arena'), {
  lag: query.get('lag') ?? '',
  measure: { name: 'units', size: STEPS_PER_UNIT },
});
// After the `#`, so that no server on the way and no log gets to see it.
const token = new URLSearchParams(window.location.hash.slice(1)).get('token') ?? '';
const rules = loadRules(rulesAddress);
const sound = new Sound();
const stage = new Stage(document, wantsLessMotion);
let game: Game | undefined;

const muteButton = find<HTMLButtonElement>(document, '.mute');
const hud = new Hud(document, playAgain, () => window.location.reload());
const joinDialog = new JoinDialog(document, join);
const keyboard = new Keyboard({ toggleMute, toggleHelp: () => hud.toggleHelp() });
const pilot = new Pilot(keyboard, new Mouse(stage.field), new Touch(document), stage.camera);

muteButton.addEventListener('click', () => {
  toggleMute();
  muteButton.blur();
});
const linkButton = find<HTMLButtonElement>(document, '.link');
linkButton.addEventListener('click', () => {
  netGraph.toggle();
  linkButton.blur();
});
for (const gesture of ['pointerdown', 'keydown'] as const) window.addEventListener(gesture, () => sound.start());
showMute(sound.isMuted);
const kept = keeper.take();
// A page that was reloaded goes on where it was.
if (kept === undefined) joinDialog.open();
else join(kept.join as unknown as JoinRequest, kept);

// For the browser's console and for tests: the game that is on, if any.
Object.defineProperty(window, 'arena', { get: () => game });

let lastMs = performance.now();
requestAnimationFrame(function frame(nowMs) {
  const elapsedS = Math.min(Math.max(nowMs - lastMs, 0) / 1000, FRAME_S_MAX);
  lastMs = nowMs;
  if (game === undefined) stage.drawLobby(nowMs, elapsedS);
  else game.frame(nowMs, elapsedS);
  netGraph.draw(nowMs);
  requestAnimationFrame(frame);
});

function join(request: JoinRequest, left?: Kept): void {
  stage.clear();
  const lag = (): Lag => netGraph.lag;
  const connection = { transport, token, keeper, lag, ...(left === undefined ? {} : { kept: left }) };
  game = new Game(address, request, rules, { stage, hud, pilot, sound }, connection);
  netGraph.watch(game.client);
}

function playAgain(): void {
  game?.leave();
  game = undefined;
  hud.end();
  joinDialog.open();
}

function toggleMute(): void {
  showMute(sound.toggleMute());
}

function showMute(isMuted: boolean): void {
  muteButton.textContent = isMuted ? 'Sound off' : 'Sound on';
  muteButton.setAttribute('aria-pressed', String(isMuted));
}
