import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import { makeFunction } from './fixture.ts'

const ALL = 'export const handler = async () => ({ ...process.env })'

async function variables(properties: Record<string, unknown> = {}) {
  const { call, taskRoot } = makeFunction(ALL, properties, {
    clock: new ManualClock(Date.UTC(2026, 10, 23)),
  })
  return { ...((await call('Fn')).reply as Record<string, string>), taskRoot } as Record<string, string>
}

describe('the variables of an execution environment', () => {
  it.each(['nodejs22.x', 'nodejs24.x'])(
    'are those recorded on AWS for %s, and no others',
    async (Runtime) => {
      const {
        taskRoot = '',
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: _own,
        ...rest
      } = await variables({
        Runtime,
        MemorySize: 256,
      })
      const major = Runtime.slice('nodejs'.length, -2)
      const text = (pattern: RegExp) => expect.stringMatching(pattern) as unknown
      expect(rest).toEqual({
        _HANDLER: 'index.handler',
        AWS_REGION: 'eu-west-1',
        AWS_DEFAULT_REGION: 'eu-west-1',
        AWS_EXECUTION_ENV: `AWS_Lambda_${Runtime}`,
        AWS_LAMBDA_FUNCTION_NAME: 'Fn',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/Fn',
        AWS_LAMBDA_LOG_STREAM_NAME: text(/^2026\/11\/23\/\[\$LATEST\][\da-f]{32}$/),
        AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
        AWS_LAMBDA_RUNTIME_API: '169.254.100.1:9001',
        AWS_ACCESS_KEY_ID: text(/^ASIA[A-Z\d]{16}$/),
        AWS_SECRET_ACCESS_KEY: text(/^.{40}$/),
        AWS_SESSION_TOKEN: text(/./),
        AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
        AWS_XRAY_DAEMON_ADDRESS: '169.254.100.1:2000',
        _AWS_XRAY_DAEMON_ADDRESS: '169.254.100.1',
        _AWS_XRAY_DAEMON_PORT: '2000',
        _X_AMZN_TRACE_ID: text(/^Root=1-[\da-f]{8}-[\da-f]{24};Parent=[\da-f]{16};Sampled=0$/),
        LAMBDA_TASK_ROOT: taskRoot,
        LAMBDA_RUNTIME_DIR: '/var/runtime',
        PWD: taskRoot,
        NODE_PATH: `/opt/nodejs/node${major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task`,
        PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
        LD_LIBRARY_PATH: text(/^\/var\/lang\/lib:/),
        LANG: 'en_US.UTF-8',
        SHLVL: '0',
        TZ: ':UTC',
      })
    },
  )

  it('are joined by those of the function', async () => {
    expect(await variables({ Environment: { Variables: { TABLE: 'Tasks' } } })).toMatchObject({
      TABLE: 'Tasks',
    })
  })

  it('give a trace id of its own to each invocation', async () => {
    const { call } = makeFunction('export const handler = async () => process.env._X_AMZN_TRACE_ID')
    expect((await call('Fn')).reply).not.toBe((await call('Fn')).reply)
  })

  it('can not be set where Lambda reserves them, which is said at the start', async () => {
    const { call, lines } = makeFunction(ALL, {
      Environment: {
        Variables: { AWS_SESSION_TOKEN: 'mine', _X_AMZN_TRACE_ID: 'mine', AWS_ACCESS_KEY: 'mine' },
      },
    })
    expect(lines).toEqual([
      {
        level: 'warn',
        source: 'Fn',
        text: "Test/Fn: the variables AWS_SESSION_TOKEN, _X_AMZN_TRACE_ID, AWS_ACCESS_KEY are Lambda's own; AWS refuses a function that sets them",
      },
    ])
    const reply = (await call('Fn')).reply as Record<string, string>
    expect(Object.values(reply)).not.toContain('mine')
  })
})
