// Quotas of HTTP APIs. Source unless another is named:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html, read November 2026.

/** Larger request bodies get 413. */
export const MAX_PAYLOAD_BYTES = 10 * 1024 * 1024

/** Request line and header values together; more gets 431. */
export const MAX_HEADER_BYTES = 10_240

/** Default and largest integration timeout; after it the client gets 503. */
export const MAX_INTEGRATION_TIMEOUT_MS = 30_000

/** https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-integrations.html */
export const MIN_INTEGRATION_TIMEOUT_MS = 50

/**
 * The event of a synchronous invocation. A larger one gets 413, although the body passed the gateway's own limit.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const MAX_LAMBDA_EVENT_BYTES = 6 * 1024 * 1024
