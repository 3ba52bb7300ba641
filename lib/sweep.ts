import { Duration } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Construct } from 'constructs'
import type { HandlerFunction } from './handler-function.ts'

/** Runs the sweep each minute. */
export class Sweep extends Construct {
  constructor(scope: Construct, id: string, { handler }: { readonly handler: HandlerFunction }) {
    super(scope, id)
    new Rule(this, 'Schedule', {
      description: 'Openline: closes quiet connections and forgets ghosts',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(handler.function, { retryAttempts: 0 })],
    })
  }
}
