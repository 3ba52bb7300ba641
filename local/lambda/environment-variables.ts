import type { Environment } from '../cloudformation/resource.ts'
import { sessionCredentials } from '../iam/credentials.ts'
import type { FunctionDefinition } from './function-definition.ts'
import { isReserved } from './reserved-variables.ts'

export interface Place {
  readonly environment: Environment
  readonly taskRoot: string
  readonly logStream: string
  readonly version: string
}

/**
 * The variables of an execution environment, as recorded on AWS for nodejs22.x and nodejs24.x; `PWD` and
 * `LAMBDA_TASK_ROOT` are where the code really is. The trace id comes with each invocation.
 */
export function environmentVariables(definition: FunctionDefinition, place: Place): Record<string, string> {
  const { name, runtime, handler, memoryMb, logGroup, logging, roleArn, variables } = definition
  const { environment, taskRoot, logStream, version } = place
  const { region } = environment
  const { accessKeyId, secretAccessKey, sessionToken } = sessionCredentials(roleArn, name)
  const major = /^nodejs(\d+)/.exec(runtime)?.[1] ?? ''
  const own = Object.entries(variables).filter(([key]) => !isReserved(key))
  return {
    PWD: taskRoot,
    NODE_PATH: `/opt/nodejs/node${major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task`,
    PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    LD_LIBRARY_PATH:
      '/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib',
    LANG: 'en_US.UTF-8',
    SHLVL: '0',
    TZ: ':UTC',
    // Not of AWS: the SDK's warning about the Node.js that runs here says nothing about the one that runs there.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    AWS_XRAY_DAEMON_ADDRESS: '169.254.100.1:2000',
    _AWS_XRAY_DAEMON_ADDRESS: '169.254.100.1',
    _AWS_XRAY_DAEMON_PORT: '2000',
    ...(logging.isJson
      ? { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: logging.applicationLevel }
      : {}),
    ...Object.fromEntries(own),
    _HANDLER: handler,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: version,
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
