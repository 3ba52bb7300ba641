/**
 * The errors of the SQS API: the `__type` of the JSON protocol, the code of the older query protocol, which the SDK takes
 * from the `x-amzn-query-error` header as the error's `Code`, and the HTTP status.
 * Texts and codes are those of recorded AWS answers (github.com/localstack/localstack, tests/aws/services/sqs/test_sqs.snapshot.json).
 */
const ERRORS = {
  AccessDeniedException: ['AccessDenied', 403],
  BatchEntryIdsNotDistinct: ['AWS.SimpleQueueService.BatchEntryIdsNotDistinct', 400],
  BatchRequestTooLong: ['AWS.SimpleQueueService.BatchRequestTooLong', 400],
  EmptyBatchRequest: ['AWS.SimpleQueueService.EmptyBatchRequest', 400],
  IncompleteSignatureException: ['IncompleteSignature', 400],
  InvalidAction: ['InvalidAction', 400],
  InvalidAttributeName: ['InvalidAttributeName', 400],
  InvalidBatchEntryId: ['AWS.SimpleQueueService.InvalidBatchEntryId', 400],
  InvalidMessageContents: ['InvalidMessageContents', 400],
  InvalidParameterValueException: ['InvalidParameterValue', 400],
  InvalidSignatureException: ['SignatureDoesNotMatch', 403],
  MessageNotInflight: ['AWS.SimpleQueueService.MessageNotInflight', 400],
  MissingAuthenticationTokenException: ['MissingAuthenticationToken', 403],
  MissingRequiredParameterException: ['MissingParameter', 400],
  PurgeQueueInProgress: ['AWS.SimpleQueueService.PurgeQueueInProgress', 403],
  QueueDoesNotExist: ['AWS.SimpleQueueService.NonExistentQueue', 400],
  ReceiptHandleIsInvalid: ['ReceiptHandleIsInvalid', 404],
  SerializationException: ['SerializationException', 400],
  TooManyEntriesInBatchRequest: ['AWS.SimpleQueueService.TooManyEntriesInBatchRequest', 400],
  UnrecognizedClientException: ['InvalidClientTokenId', 403],
  UnsupportedOperation: ['AWS.SimpleQueueService.UnsupportedOperation', 400],
} as const

export type SqsErrorType = keyof typeof ERRORS

/** Errors of the front-end that every AWS service shares and no service's model lists. */
const CORAL: ReadonlySet<SqsErrorType> = new Set([
  'AccessDeniedException',
  'IncompleteSignatureException',
  'InvalidParameterValueException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'MissingRequiredParameterException',
  'SerializationException',
  'UnrecognizedClientException',
])

export class SqsError extends Error {
  readonly type: SqsErrorType
  readonly queryCode: string
  readonly statusCode: number

  constructor(type: SqsErrorType, message: string) {
    super(message)
    this.type = type
    ;[this.queryCode, this.statusCode] = ERRORS[type]
  }

  /** `com.amazonaws.sqs#QueueDoesNotExist` */
  get shape(): string {
    return `${CORAL.has(this.type) ? 'com.amazon.coral.service' : 'com.amazonaws.sqs'}#${this.type}`
  }
}

export function queueDoesNotExist(): SqsError {
  return new SqsError('QueueDoesNotExist', 'The specified queue does not exist.')
}

export function missingParameter(name: string): SqsError {
  return new SqsError('MissingRequiredParameterException', `The request must contain the parameter ${name}.`)
}

export function invalidParameter(name: string, value: string | number, reason: string): SqsError {
  return new SqsError(
    'InvalidParameterValueException',
    `Value ${value} for parameter ${name} is invalid. Reason: ${reason}`,
  )
}
