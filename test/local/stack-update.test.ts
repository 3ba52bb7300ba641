import { describe, expect, it, onTestFinished } from 'vitest'
import { synthesize } from '../../local/cloudformation/synthesize.ts'
import type { Log } from '../../local/log.ts'
import { startStack } from '../../local/stack.ts'
import { connect, handlerOf, makeProject, stackOf } from './watch/project.ts'

const TABLE = {
  Type: 'AWS::DynamoDB::Table',
  Properties: {
    TableName: 'notes',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  },
}
const QUEUE = { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'jobs' } }

async function start(stack = stackOf()) {
  const project = makeProject(stack)
  const { folder, output } = project
  await synthesize({ project: folder, output })
  const warnings: string[] = []
  const warn: Log['warn'] = (source, text) => void warnings.push(`${source}: ${text}`)
  const log = { info: () => undefined, warn, error: warn }
  const running = await startStack({ assembly: output, log, iam: false })
  onTestFinished(() => running.close())
  return {
    ...project,
    stack: running,
    warnings,
    update: async (changes: Readonly<Record<string, string>>) => {
      for (const [path, text] of Object.entries(changes)) project.write(path, text)
      await synthesize({ project: folder, output })
      return running.update(output)
    },
  }
}

describe('an update of a running stack', () => {
  it("runs a handler's new code for connections that were there before", async () => {
    const { stack, update } = await start()
    const { ask } = await connect(stack)
    expect(await ask('hello')).toBe('one $default 1')
    const { changed, failures } = await update({ 'handlers/echo.cjs': handlerOf('two') })
    expect(changed.map(({ logicalId }) => logicalId)).toEqual(['Echo'])
    expect(failures.size).toBe(0)
    expect(await ask('hello')).toBe('two $default 1')
  })

  it('gives a function its new variables', async () => {
    const { stack, update } = await start()
    const { ask } = await connect(stack)
    await ask('hello')
    await update({ 'stack.cjs': stackOf({ variables: { GREETING: 'hi' } }) })
    expect(await ask('hello')).toBe('one $default 1 hi')
  })

  it('leaves environments alone whose function did not change', async () => {
    const { stack, update } = await start()
    const { ask } = await connect(stack)
    await ask('hello')
    const { added } = await update({ 'stack.cjs': stackOf({ routes: ['$default', 'greet'] }) })
    expect(added.map(({ logicalId }) => logicalId)).toEqual(['Routegreet', 'RoutegreetResponse'])
    expect(await ask({ action: 'greet' })).toBe('one greet 2')
  })

  it('sends the messages of a removed route to $default, and to another function when the integration changes', async () => {
    const { stack, update } = await start(stackOf({ routes: ['$default', 'greet'] }))
    const { ask } = await connect(stack)
    expect(await ask({ action: 'greet' })).toBe('one greet 1')
    await update({
      'handlers/other.cjs': handlerOf('other'),
      'stack.cjs': stackOf({ handlers: { Echo: 'echo.cjs', Other: 'other.cjs' }, target: 'Other' }),
    })
    expect(await ask({ action: 'greet' })).toBe('other $default 1')
  })

  it('goes on with the old code of a function whose new handler can not be loaded', async () => {
    const { stack, update } = await start()
    const { ask } = await connect(stack)
    await ask('hello')
    const { failures } = await update({ 'handlers/echo.cjs': 'throw new Error("not ready")' })
    expect(failures.get(stack.namesOf('AWS::Lambda::Function')['Echo'] ?? '')).toMatch(/^Error: not ready\n/)
    expect(await ask('hello')).toBe('one $default 2')
    await update({ 'handlers/echo.cjs': handlerOf('mended') })
    expect(await ask('hello')).toBe('mended $default 1')
  })

  it('changes nothing when the new templates can not be resolved', async () => {
    const { stack, update } = await start()
    const { ask } = await connect(stack)
    const before = stack.deployment
    const more = { Broken: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 'long' } } }
    await expect(
      update({ 'stack.cjs': stackOf({ more }), 'handlers/echo.cjs': handlerOf('two') }),
    ).rejects.toThrow(/VisibilityTimeout "long"/)
    expect(stack.deployment).toBe(before)
    expect(await ask('hello')).toBe('one $default 1')
  })

  it('makes tables and queues that are new, and keeps what is in those that were there', async () => {
    const { stack, update } = await start()
    await update({ 'stack.cjs': stackOf({ more: { Notes: TABLE, Jobs: QUEUE } }) })
    const { client } = stack.dynamodb.engine
    await client.call('PutItem', { TableName: 'notes', Item: { id: { S: '1' } } })
    stack.queues.byName('jobs')?.send({ body: 'work', attributes: {} })
    const delayed = { ...QUEUE, Properties: { ...QUEUE.Properties, DelaySeconds: 5 } }
    await update({ 'stack.cjs': stackOf({ more: { Notes: TABLE, Jobs: delayed } }) })
    expect(await client.call('Scan', { TableName: 'notes' })).toMatchObject({ Count: 1 })
    expect(stack.queues.byName('jobs')?.definition.delaySeconds).toBe(5)
    expect(await stack.queues.byName('jobs')?.receive({})).toMatchObject([{ body: 'work' }])
  })

  it('reads the streams of mappings that are new', async () => {
    const { stack, update, write } = await start()
    write('handlers/reader.cjs', `exports.handler = async () => ({})`)
    const table = {
      ...TABLE,
      Properties: { ...TABLE.Properties, StreamSpecification: { StreamViewType: 'NEW_IMAGE' } },
    }
    const mapping = {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: { 'Fn::GetAtt': ['Notes', 'StreamArn'] },
        FunctionName: { Ref: 'Echo' },
        StartingPosition: 'TRIM_HORIZON',
      },
    }
    await update({ 'stack.cjs': stackOf({ more: { Notes: table, Mapping: mapping } }) })
    expect(stack.dynamodb.mappings.map(({ definition }) => definition.resource.logicalId)).toEqual([
      'Mapping',
    ])
    await update({ 'stack.cjs': stackOf({ more: { Notes: table } }) })
    expect(stack.dynamodb.mappings).toEqual([])
  })

  it('ends asynchronous invocations of an alias on the bus that it says, where a rule takes them', async () => {
    const { stack, update } = await start(stackOf({ more: { Jobs: QUEUE } }))
    const ofFunction = { FunctionName: { Ref: 'Echo' } }
    const more = {
      Jobs: QUEUE,
      Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'results' } },
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: {
          EventBusName: { Ref: 'Bus' },
          EventPattern: { source: ['lambda'] },
          Targets: [{ Id: 'Jobs', Arn: { 'Fn::GetAtt': ['Jobs', 'Arn'] } }],
        },
      },
      One: { Type: 'AWS::Lambda::Version', Properties: ofFunction },
      Live: {
        Type: 'AWS::Lambda::Alias',
        Properties: { ...ofFunction, Name: 'live', FunctionVersion: { 'Fn::GetAtt': ['One', 'Version'] } },
      },
      Config: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: {
          ...ofFunction,
          Qualifier: 'live',
          DestinationConfig: { OnSuccess: { Destination: { 'Fn::GetAtt': ['Bus', 'Arn'] } } },
        },
      },
    }
    await update({ 'stack.cjs': stackOf({ more }) })
    const name = stack.namesOf('AWS::Lambda::Function')['Echo'] ?? ''
    stack.functions.invokeAsync(`${name}:live`, { requestContext: { routeKey: 'event' } })
    const [message] = (await stack.queues.byName('jobs')?.receive({ waitSeconds: 20 })) ?? []
    expect(JSON.parse(message?.body ?? '')).toMatchObject({
      'detail-type': 'Lambda Function Invocation Result - Success',
      source: 'lambda',
      resources: [expect.stringMatching(/:live$/), expect.stringMatching(/:event-bus\/results$/)],
      detail: {
        requestContext: { condition: 'Success' },
        responsePayload: { statusCode: 200, body: 'one event 1' },
      },
    })
  })

  it('says what of a table only a restart applies', async () => {
    const { update, warnings } = await start(stackOf({ more: { Notes: TABLE } }))
    const Properties = { ...TABLE.Properties, KeySchema: [{ AttributeName: 'other', KeyType: 'HASH' }] }
    await update({ 'stack.cjs': stackOf({ more: { Notes: { ...TABLE, Properties } } }) })
    expect(warnings).toEqual(['dynamodb: table "Test/Notes" has changed (KeySchema); restart to apply'])
    await update({ 'stack.cjs': stackOf() })
    expect(warnings.at(-1)).toBe(
      'dynamodb: table "Test/Notes" is gone from the template; it stays until you restart',
    )
  })
})
