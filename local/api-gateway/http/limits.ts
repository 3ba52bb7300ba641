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

/** What selection expressions read of a body: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html */
export const MAX_SELECTED_BODY_BYTES = 100 * 1024

/** For the issuer's discovery document and for its keys, each; a slower one denies with 401. */
export const ISSUER_TIMEOUT_MS = 1_500

/** How long an issuer's keys are kept: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html */
export const KEY_CACHE_MS = 2 * 60 * 60 * 1000

/** A Lambda authorizer that takes longer gives the client 500. */
export const AUTHORIZER_TIMEOUT_MS = 10_000

/** https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html */
export const MAX_AUTHORIZER_TTL_SECONDS = 3_600
