/**
 * The table of error codes: what a client may be told, and whether sending the same again can help. `docs/protocol.md`
 * repeats it, and a test holds the two together.
 */
export const ERRORS = {
  invalid_json: { meaning: 'the text begins like JSON but is not, or is not an object', retry: false },
  binary_message: { meaning: 'the message is binary; only text is spoken here', retry: false },
  message_too_large: { meaning: 'what was said does not fit one frame with its envelope', retry: false },
  unknown_action: { meaning: 'the action is missing or not one of those known', retry: false },
  invalid_field: { meaning: 'a field is missing, unknown, of the wrong type or out of bounds', retry: false },
  invalid_channel: { meaning: 'the channel is missing, too long or of no known form', retry: false },
  too_many_channels: {
    meaning: 'the connection is subscribed to as many channels as it may be',
    retry: false,
  },
  publish_not_allowed: { meaning: 'clients may publish to chat rooms only', retry: false },
  text_not_understood: {
    meaning: 'plain text means nothing on the first channel; send a JSON action',
    retry: false,
  },
  not_connected: { meaning: 'the connection is not known (any more); connect again', retry: false },
  internal: { meaning: 'something failed on our side', retry: true },
} as const satisfies Record<string, { meaning: string; retry: boolean }>

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
