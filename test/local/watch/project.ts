import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { RunningStack } from '../../../local/stack.ts'
import { TestClient } from '../../support/openline.ts'

/** Makes an assembly as CDK does, without CDK: every handler is an asset named by its content. */
const APP = `
const { createHash } = require('node:crypto')
const { mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { Script } = require('node:vm')
const output = process.env.CDK_OUTDIR
const files = {}
function asset(path) {
  const code = readFileSync(path, 'utf8')
  new Script(code, { filename: path })
  const hash = createHash('sha256').update(code).digest('hex')
  mkdirSync(join(output, 'asset.' + hash), { recursive: true })
  writeFileSync(join(output, 'asset.' + hash, 'index.cjs'), code)
  files[hash] = { source: { path: 'asset.' + hash }, destinations: { here: { objectKey: hash + '.zip' } } }
  return { S3Bucket: 'assets', S3Key: hash + '.zip' }
}
const Resources = require('./stack.cjs')(asset)
const write = (name, content) => writeFileSync(join(output, name), JSON.stringify(content))
write('Test.template.json', { Resources })
write('Test.assets.json', { files })
write('manifest.json', { artifacts: {
  Assets: { type: 'cdk:asset-manifest', properties: { file: 'Test.assets.json' } },
  Test: { type: 'aws:cloudformation:stack', properties: { templateFile: 'Test.template.json' } },
} })
`

interface StackParts {
  readonly routes?: readonly string[]
  /** Files of the functions' handlers, by logical id. */
  readonly handlers?: Readonly<Record<string, string>>
  /** The function of every route. */
  readonly target?: string
  /** Variables of every function. */
  readonly variables?: Readonly<Record<string, string>>
  /** Resources beside those. */
  readonly more?: Readonly<Record<string, unknown>>
}

/** A WebSocket API `Api` whose routes answer with what their function returns. */
export const stackOf = ({
  routes = ['$default'],
  handlers = { Echo: 'echo.cjs' },
  target = 'Echo',
  variables = {},
  more = {},
}: StackParts = {}) => `
module.exports = (asset) => {
  const uri = (name) => ({ 'Fn::Sub': 'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/\${' + name + '.Arn}/invocations' })
  const ofApi = (type, properties) => ({ Type: 'AWS::ApiGatewayV2::' + type, Properties: { ApiId: { Ref: 'Api' }, ...properties } })
  const resources = {
    Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'Api', ProtocolType: 'WEBSOCKET', RouteSelectionExpression: '$request.body.action' } },
    Stage: ofApi('Stage', { StageName: 'live', AutoDeploy: true }),
    Integration: ofApi('Integration', { IntegrationType: 'AWS_PROXY', IntegrationUri: uri('${target}') }),
  }
  for (const key of ${JSON.stringify(routes)}) {
    const id = 'Route' + key.replace('$', '')
    resources[id] = ofApi('Route', {
      RouteKey: key, Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] }, RouteResponseSelectionExpression: '$default',
    })
    resources[id + 'Response'] = ofApi('RouteResponse', { RouteId: { Ref: id }, RouteResponseKey: '$default' })
  }
  for (const [name, file] of Object.entries(${JSON.stringify(handlers)}))
    resources[name] = { Type: 'AWS::Lambda::Function', Properties: {
      Runtime: 'nodejs24.x', Handler: 'index.handler', Role: 'arn:aws:iam::123456789012:role/' + name,
      Code: asset('handlers/' + file), Environment: { Variables: ${JSON.stringify(variables)} },
    } }
  return { ...resources, ...${JSON.stringify(more)} }
}
`

/** A handler that answers with a text, its route's key and a count of its own. */
export const handlerOf = (text: string) =>
  `let calls = 0
exports.handler = async ({ requestContext }) => ({
  statusCode: 200,
  body: [${JSON.stringify(text)}, requestContext.routeKey, ++calls, process.env.GREETING].filter(Boolean).join(' '),
})
`

/** A project in a folder of its own, with the assembly that it makes in `cdk.out`. */
export function makeProject(stack = stackOf()) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'watched-')))
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  })
  const write = (path: string, text: string) => {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  mkdirSync(join(folder, 'node_modules'))
  write('cdk.json', JSON.stringify({ app: 'node app.cjs', output: 'cdk.out' }))
  write('app.cjs', APP)
  write('stack.cjs', stack)
  write('handlers/echo.cjs', handlerOf('one'))
  const output = join(folder, 'cdk.out')
  mkdirSync(output)
  return { folder, output, write }
}

/** A client of the stack's only WebSocket API; `ask` says something and waits for the answer. */
export async function connect(stack: RunningStack) {
  const client = new TestClient(stack.apis[0]?.url ?? '')
  onTestFinished(() => {
    client.socket.terminate()
  })
  await client.opened()
  const ask = async (message: unknown): Promise<string> => {
    client.send(message)
    return client.text()
  }
  return { client, ask }
}
