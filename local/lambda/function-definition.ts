import { mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import { sessionCredentials } from '../iam/credentials.ts'

/** A Lambda function of the template. */
export interface FunctionDefinition {
  readonly name: string
  readonly arn: string
  readonly path: string
  /** `nodejs24.x` */
  readonly runtime: string
  /** `index.handler` */
  readonly handler: string
  readonly timeoutMs: number
  readonly memoryMb: number
  readonly variables: Readonly<Record<string, string>>
  readonly logGroup: string
  readonly roleArn: string
  /** Invocations at once; undefined when nothing is reserved. */
  readonly reservedConcurrency: number | undefined
  /** Queue for events that an asynchronous invocation gave up. */
  readonly deadLetterArn: string | undefined
  /** Where the template has the code: another place is other code. */
  readonly code: unknown
  /** Folder of the code. @throws when the code can't be had here */
  readonly codeFolder: () => string
}

type AssetPath = (bucket: string, key: string) => string | undefined

export const functionDefinitions = (
  resources: readonly Resource[],
  assetPath: AssetPath,
): FunctionDefinition[] =>
  resources
    .filter(({ type }) => type === 'AWS::Lambda::Function')
    .map((resource) => toDefinition(resource, assetPath))

function toDefinition(resource: Resource, assetPath: AssetPath): FunctionDefinition {
  const { properties, physicalId: name, arn, path } = resource
  const variables =
    (properties['Environment'] as { Variables?: Record<string, unknown> } | undefined)?.Variables ?? {}
  const logging = properties['LoggingConfig'] as { LogGroup?: string } | undefined
  const deadLetter = properties['DeadLetterConfig'] as { TargetArn?: string } | undefined
  const reserved = properties['ReservedConcurrentExecutions']
  let folder: string | undefined
  return {
    name,
    arn,
    path,
    runtime: text(properties['Runtime']),
    handler: text(properties['Handler']),
    timeoutMs: Number(properties['Timeout'] ?? 3) * 1000,
    memoryMb: Number(properties['MemorySize'] ?? 128),
    variables: Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, text(value)])),
    logGroup: logging?.LogGroup ?? `/aws/lambda/${name}`,
    roleArn: text(properties['Role']),
    reservedConcurrency: reserved === undefined ? undefined : Number(reserved),
    deadLetterArn: deadLetter?.TargetArn,
    code: properties['Code'],
    codeFolder: () => (folder ??= codeFolder(resource, assetPath)),
  }
}

const text = (value: unknown) =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)

function codeFolder({ path, properties }: Resource, assetPath: AssetPath): string {
  const { S3Bucket = '', S3Key, ZipFile } = (properties['Code'] ?? {}) as Partial<Record<string, string>>
  if (ZipFile !== undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'lambda-inline-'))
    writeFileSync(join(folder, 'index.js'), ZipFile)
    return folder
  }
  const file = S3Key === undefined ? undefined : assetPath(S3Bucket, S3Key)
  if (file === undefined)
    throw new Error(
      `${path}: the code "${S3Key ?? '(none)'}" is no asset of the assembly; expected an asset or inline code`,
    )
  if (statSync(file).isDirectory()) return file
  throw new Error(
    `${path}: the code "${file}" is an archive; expected a folder, as lambda.Code.fromAsset(folder) gives`,
  )
}

/** The variables of an execution environment, as recorded on AWS; the folders are where the code really is. */
export function environmentVariables(
  definition: FunctionDefinition,
  { region }: Environment,
  taskRoot: string,
  logStream: string,
): Record<string, string> {
  const { name, runtime, handler, memoryMb, logGroup, roleArn, variables } = definition
  const { accessKeyId, secretAccessKey, sessionToken } = sessionCredentials(roleArn, name)
  return {
    PWD: taskRoot,
    NODE_PATH: '/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task',
    PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    LANG: 'en_US.UTF-8',
    SHLVL: '0',
    TZ: ':UTC',
    // Not of AWS: the SDK's warning about the Node.js that runs here says nothing about the one that runs there.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    AWS_XRAY_DAEMON_ADDRESS: '169.254.100.1:2000',
    ...variables,
    // Reserved: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    _HANDLER: handler,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: logStream,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_RUNTIME_API: '169.254.100.1:9001',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    LAMBDA_TASK_ROOT: taskRoot,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
  }
}
