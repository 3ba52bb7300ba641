import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb'

/**
 * Runs a conditional write.
 * @returns `conflict` when its condition did not hold, or a transaction under way has the item, which the SDK does not
 * try again: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html; every other error
 * is thrown on
 */
export async function conditionally<T>(write: Promise<T>): Promise<T | 'conflict'> {
  try {
    return await write
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException || error instanceof TransactionConflictException)
      return 'conflict'
    throw error
  }
}

/**
 * Runs a transaction of conditional writes.
 * @returns the indexes of the writes whose conditions did not hold, none where another transaction was in the way; every
 * other error is thrown on
 */
export async function inTransaction(
  write: Promise<unknown>,
): Promise<'written' | { readonly failed: ReadonlySet<number> }> {
  try {
    await write
    return 'written'
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw error
    const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code)
    const failed = codes.flatMap((code, index) => (code === 'ConditionalCheckFailed' ? [index] : []))
    if (failed.length === 0 && !codes.includes('TransactionConflict')) throw error
    return { failed: new Set(failed) }
  }
}
