// Quotas of WebSocket APIs. Source unless another is named:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html,
// read November 2026.

/** Documented as 32 KB; a larger frame from a client closes its connection with 1009. */
export const MAX_FRAME_BYTES = 32 * 1024

/** Documented as 128 KB, over all fragments; from a client 1009, to the management API 413. */
export const MAX_MESSAGE_BYTES = 128 * 1024

/** No data frame either way for this long closes with 1001. */
export const IDLE_TIMEOUT_MS = 10 * 60 * 1000

/** No connection lives longer, whatever its traffic; closes with 1001. */
export const MAX_CONNECTION_MS = 2 * 60 * 60 * 1000

/** Default and largest integration timeout. */
export const MAX_INTEGRATION_TIMEOUT_MS = 29_000

/** Default and largest, since AWS documents none for authorizers of WebSocket APIs: that of an integration. */
export const AUTHORIZER_TIMEOUT_MS = MAX_INTEGRATION_TIMEOUT_MS

/** Documented as 8 KB. */
export const MAX_AUTHORIZER_RESULT_BYTES = 8 * 1024

/** Of an API. */
export const MAX_AUTHORIZERS = 10

/** How long closing waits for handlers that still run; our own choice, AWS has no such moment. */
export const CLOSE_GRACE_MS = 2_000

/**
 * Of the servers that clients come to, in milliseconds; our own choices, AWS tells no numbers. Idle lines are kept longer
 * than the minute for which clients keep them, so that none is reused as it goes away. The head of a request and the
 * whole of it have to come in time; Node looks every second.
 */
export const SERVER_OPTIONS = {
  keepAliveTimeout: 75_000,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
} as const

export const MIN_INTEGRATION_TIMEOUT_MS = 50

/** Documented as 300 KB. */
export const MAX_TEMPLATE_BYTES = 300 * 1024

/** Of the URL of a handshake, scheme and host included. */
export const MAX_URL_LENGTH = 4096

/** Names and values together; documented for REST APIs, taken to hold for handshakes. */
export const MAX_HEADER_BYTES = 10_240

/**
 * Bytes waiting for a slow client above which a post gets 429. AWS documents the 429 ("the client side buffer is
 * full") and not the size.
 */
export const MAX_BUFFERED_BYTES = 1024 * 1024
