/** Why a session ended, and what to do about it. The same names, codes and sentences as in `close_reason.rs`. */

/** What a client does after its session was closed. */
export type Advice = 'stop' | 'back off' | 'come back';

/** Why a session ended. */
export interface CloseReason {
  readonly name: string;
  /** Number in a WebSocket's close frame. */
  readonly code: number;
  /** One sentence that a player can read. */
  readonly sentence: string;
}

/** Every reason, in the order in which the wire numbers them. */
export const CLOSE_REASONS: readonly CloseReason[] = [
  { name: 'Left', code: 4000, sentence: 'You left the game.' },
  {
    name: 'MalformedFrame',
    code: 4001,
    sentence: 'The server could not read what this page sent. Please reload.',
  },
  { name: 'FrameTooLarge', code: 4002, sentence: 'This page sent more than the server accepts. Please reload.' },
  { name: 'ProtocolMismatch', code: 4003, sentence: 'This page is out of date. Please reload.' },
  { name: 'UnknownRoom', code: 4004, sentence: 'There is no such room.' },
  {
    name: 'UnexpectedFrame',
    code: 4005,
    sentence: 'The server got something unexpected from this page. Please reload.',
  },
  { name: 'InputOutOfRange', code: 4006, sentence: 'The server refused an input as impossible. Please reload.' },
  { name: 'InputTickOutOfRange', code: 4007, sentence: "This page's clock is far off the server's. Please reload." },
  { name: 'JoinRefused', code: 4008, sentence: 'The game did not let you in.' },
  { name: 'TokenRefused', code: 4009, sentence: 'Your ticket for this game is not valid.' },
  { name: 'OriginRefused', code: 4010, sentence: 'This page may not play on that server.' },
  { name: 'HostRefused', code: 4011, sentence: 'That server does not answer to this name.' },
  { name: 'Kicked', code: 4012, sentence: 'You were removed from the game.' },
  { name: 'TakenOver', code: 4013, sentence: 'This game goes on in another window.' },
  { name: 'TokenMissing', code: 4014, sentence: 'This game asks for a ticket. Please sign in.' },
  { name: 'RoomRefused', code: 4015, sentence: 'Your ticket is not for this room.' },
  { name: 'ServerFull', code: 4100, sentence: 'The server is full. Trying again soon.' },
  { name: 'IdleTimeout', code: 4101, sentence: 'The connection was silent for too long.' },
  { name: 'TooFast', code: 4102, sentence: 'This page sends too much. Slowing down.' },
  { name: 'TooSlow', code: 4103, sentence: 'The connection is too slow right now.' },
  { name: 'ServerError', code: 4104, sentence: 'Something broke on the server. Trying again.' },
  { name: 'HelloTimeout', code: 4105, sentence: 'The server did not hear a greeting in time.' },
  { name: 'SessionRefused', code: 4106, sentence: 'Your place in the game is gone. Joining anew.' },
  { name: 'AttachmentUnknown', code: 4107, sentence: 'The connection was lost. Connecting again.' },
  { name: 'TokenExpired', code: 4108, sentence: 'Your ticket has run out. Please sign in again.' },
  { name: 'ServerStopping', code: 4200, sentence: 'The server restarts. Back in a moment.' },
];

/** The reason with this number, if it is one of ours. */
export function closeReasonOf(code: number): CloseReason | undefined {
  return CLOSE_REASONS.find((reason) => reason.code === code);
}

/** What to do now. A connection that just broke is worth another try. */
export function adviceOf(reason: CloseReason | undefined): Advice {
  if (reason === undefined || (reason.code >= 4100 && reason.code < 4200)) return 'back off';
  return reason.code < 4100 ? 'stop' : 'come back';
}
