/** Where failed records and failed asynchronous invocations go: an SQS queue, known by its ARN. */
export interface Destinations {
  /**
   * @param arn of the queue
   * @param body the message, JSON text
   * @param attributes string message attributes, as a Lambda dead-letter queue gets them
   */
  send(arn: string, body: string, attributes?: Readonly<Record<string, string>>): void
}

/** Where asynchronous invocations end: a queue, or a bus. */
export interface InvocationDestinations extends Destinations {
  /**
   * Puts an event of Lambda's on an event bus.
   * @param busArn of the bus
   * @param resources ARNs that the event is about
   */
  publish(busArn: string, detailType: string, detail: object, resources: readonly string[]): void
}
