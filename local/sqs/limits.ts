// Quotas of SQS. Sources, read November 2026:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html and
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html

/** Body and attributes of one message, and of one batch together: 1 MiB since August 2025. */
export const MAX_MESSAGE_BYTES = 1024 * 1024

export const MAX_BATCH_ENTRIES = 10
export const MAX_MESSAGE_ATTRIBUTES = 10

export const DEFAULT_VISIBILITY_TIMEOUT_SECONDS = 30
export const MAX_VISIBILITY_TIMEOUT_SECONDS = 12 * 60 * 60
export const MAX_DELAY_SECONDS = 15 * 60
export const MAX_WAIT_SECONDS = 20

export const DEFAULT_RETENTION_SECONDS = 4 * 24 * 60 * 60
export const MIN_RETENTION_SECONDS = 60
export const MAX_RETENTION_SECONDS = 14 * 24 * 60 * 60

/** A FIFO queue drops a message with a deduplication id that it took within this time. */
export const DEDUPLICATION_MS = 5 * 60 * 1000

/** Between two purges of one queue. */
export const PURGE_INTERVAL_MS = 60 * 1000
