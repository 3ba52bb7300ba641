import { Duration } from 'aws-cdk-lib'
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { RemovalPolicy } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { ENV, type EnvName } from '../lambda/env.ts'
import { bundle } from './bundle.ts'

export interface HandlerFunctionProps {
  /** Path of the handler file from the project's root: `lambda/connect.ts`. */
  readonly entry: string
  readonly description: string
  readonly logRetention: RetentionDays
  /**
   * How long one invocation may take.
   * @default 10 seconds
   */
  readonly timeout?: Duration
  /**
   * Memory, and with it CPU, in MB.
   * @default 512
   */
  readonly memorySize?: number
  /**
   * Values of the variables that `lambda/env.ts` names.
   * @default none
   */
  readonly environment?: Partial<Record<EnvName, string>>
}

/** A Node.js function with our defaults: arm64, source maps, its own log group, a role that holds nothing but that. */
export class HandlerFunction extends Construct {
  readonly function: LambdaFunction

  constructor(scope: Construct, id: string, props: HandlerFunctionProps) {
    super(scope, id)
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle(props.entry).folder),
      handler: 'index.handler',
      timeout: props.timeout ?? Duration.seconds(10),
      memorySize: props.memorySize ?? 512,
      logGroup,
      environment: { NODE_OPTIONS: '--enable-source-maps', ...namesOf(props.environment ?? {}) },
    })
  }
}

function namesOf(values: Partial<Record<EnvName, string>>): Record<string, string> {
  const pairs = Object.entries(values) as [EnvName, string][]
  return Object.fromEntries(pairs.map(([name, value]) => [ENV[name], value]))
}
