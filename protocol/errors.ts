/**
 * The table of error codes: what a client may be told. `docs/protocol.md` repeats it, and a test holds the two together.
 */
export const ERRORS = {
  invalid_json: 'the text begins like JSON but is not, or is not an object',
  binary_message: 'the message is binary; only text is spoken here',
  message_too_large: 'what was said does not fit one frame with its envelope',
  unknown_action: 'the action is missing or not one of those known',
  invalid_field: 'a field is missing, unknown, of the wrong type or out of bounds',
  invalid_channel: 'the channel is missing, too long or of no known form',
  too_many_channels: 'the connection is subscribed to as many channels as it may be',
  publish_not_allowed: 'clients may publish to chat rooms only',
  text_not_understood: 'plain text means nothing on the first channel; send a JSON action',
  not_connected: 'the connection is not known (any more); connect again',
  internal: 'something failed on our side',
} as const satisfies Record<string, string>

/** Codes after which sending the same again can help. Apart from the table, whose texts no client has to carry. */
export const RETRIED: ReadonlySet<string> = new Set<ErrorCode>(['internal'])

/** Close codes after which a client does not come back by itself: the same would happen again. */
export const FATAL_CLOSES: Readonly<Record<number, string | undefined>> = {
  1003: 'it was sent a binary message',
  1008: 'it refuses this client',
  1009: 'it was sent a message over the quota',
}

export type ErrorCode = keyof typeof ERRORS

/** What is wrong with a message: a code for programs and a sentence for people. */
export interface Complaint {
  readonly code: ErrorCode
  readonly message: string
}
