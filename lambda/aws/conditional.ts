import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'

/** Runs a conditional write. @returns `conflict` when its condition did not hold; every other error is thrown on */
export async function conditionally<T>(write: Promise<T>): Promise<T | 'conflict'> {
  try {
    return await write
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return 'conflict'
    throw error
  }
}
