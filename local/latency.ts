/** What takes time on AWS and none here, in milliseconds of the stack's clock. */
export interface Latency {
  /** Before a new execution environment takes its first invocation, with the loading of the code. */
  readonly coldStartMs: number
  /** On top of each invocation. */
  readonly invokeMs: number
  /** Between looks at a stream: a write waits for the next one. */
  readonly streamPollMs: number
  /** Before a post to a connection is carried out. */
  readonly postMs: number
  /** Before DynamoDB answers. */
  readonly dynamodbMs: number
}

/**
 * The middle of what is known of AWS within a Region. There is no guarantee for any of it.
 *
 * | what | known | source |
 * | --- | --- | --- |
 * | cold start | "under 100 ms to over 1 second"; 250 ms on average for small nodejs20.x functions | https://docs.aws.amazon.com/lambda/latest/operatorguide/execution-environments.html, gist.github.com/adriantanasa/06a9cbc36744ef0bf946255e9e75efbe |
 * | stream poll | "a base rate of 4 times per second" | https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html |
 * | DynamoDB | "single-digit millisecond" | https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Introduction.html |
 * | invocation, post | nothing published: assumed to be like a call within a Region | |
 */
export const AWS_LATENCY: Latency = {
  coldStartMs: 250,
  invokeMs: 10,
  streamPollMs: 250,
  postMs: 15,
  dynamodbMs: 5,
}

/** `--latency`: none, or AWS's. */
export const LATENCIES: Readonly<Record<string, Latency | undefined>> = { none: undefined, aws: AWS_LATENCY }
