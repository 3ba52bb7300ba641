/** How long loading the handler may take: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
export const INIT_TIMEOUT_MS = 10_000

/** 6 MB and some: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; the number is that of the error. */
export const MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const MAX_EVENT_BYTES = 6 * 1024 * 1024

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
export const MAX_ASYNC_EVENT_BYTES = 1024 * 1024

/** What `LogType: Tail` gives back: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
export const MAX_TAIL_BYTES = 4 * 1024

/** Execution environments of a function at a time; what comes on top waits. AWS gives the account 1,000 for all. */
export const DEFAULT_MAX_ENVIRONMENTS = 10

/** An idle environment ends after this. AWS does not say when; minutes are what users see. */
export const IDLE_ENVIRONMENT_MS = 5 * 60_000

/** Waits before the second and the third try: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
export const ASYNC_RETRY_MS = [60_000, 120_000] as const

/** Age at which an event that was never processed is given up: the same page. */
export const MAX_EVENT_AGE_MS = 6 * 60 * 60_000

/** Between tries after throttling: the same page, from one to the other. */
export const THROTTLE_BACKOFF_MS = { first: 1000, last: 5 * 60_000 } as const
