import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const HANDLER = `export const handler = async ({ requestContext, body }) => ({
  statusCode: 200,
  body: body === 'who am I' ? requestContext.connectionId : body,
})
`

const REF = (logicalId: string) => ({ Ref: logicalId })
const arn = (logicalId: string) => ({ 'Fn::GetAtt': [logicalId, 'Arn'] })

const of = (type: string, properties: Record<string, unknown>) => ({
  Type: `AWS::ApiGatewayV2::${type}`,
  Properties: { ApiId: REF('Api'), ...properties },
})

const route = (key: string, properties: Record<string, unknown> = {}) =>
  of('Route', {
    RouteKey: key,
    Target: { 'Fn::Join': ['/', ['integrations', REF('Integration')]] },
    ...properties,
  })

const TEMPLATE = {
  Resources: {
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: 'sts:AssumeRole',
              Principal: { Service: 'lambda.amazonaws.com' },
            },
          ],
        },
      },
    },
    Echo: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Timeout: 29,
        Role: arn('Role'),
        Code: { S3Bucket: 'assets', S3Key: 'echo' },
      },
    },
    Permission: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        Action: 'lambda:InvokeFunction',
        FunctionName: arn('Echo'),
        Principal: 'apigateway.amazonaws.com',
      },
    },
    Api: {
      Type: 'AWS::ApiGatewayV2::Api',
      Properties: {
        Name: 'echo',
        ProtocolType: 'WEBSOCKET',
        RouteSelectionExpression: '$request.body.action',
      },
    },
    Integration: of('Integration', {
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: {
        'Fn::Join': [
          '',
          [
            'arn:aws:apigateway:',
            REF('AWS::Region'),
            ':lambda:path/2015-03-31/functions/',
            arn('Echo'),
            '/invocations',
          ],
        ],
      },
    }),
    Default: route('$default', { RouteResponseSelectionExpression: '$default' }),
    Answer: of('RouteResponse', { RouteId: REF('Default'), RouteResponseKey: '$default' }),
    Stage: of('Stage', { StageName: 'bench', AutoDeploy: true }),
  },
}

/** A cloud assembly with one WebSocket API whose `$default` is a function that gives back what it got. */
export function writeEchoApp(): string {
  const folder = mkdtempSync(join(tmpdir(), 'openline-bench-'))
  const write = (name: string, content: unknown) =>
    writeFileSync(join(folder, name), JSON.stringify(content, null, 2))
  mkdirSync(join(folder, 'asset.echo'))
  writeFileSync(join(folder, 'asset.echo', 'index.mjs'), HANDLER)
  write('Echo.template.json', TEMPLATE)
  write('Echo.assets.json', {
    files: { echo: { source: { path: 'asset.echo' }, destinations: { here: { objectKey: 'echo' } } } },
  })
  write('manifest.json', {
    version: '36.0.0',
    artifacts: {
      'Echo.assets': { type: 'cdk:asset-manifest', properties: { file: 'Echo.assets.json' } },
      Echo: { type: 'aws:cloudformation:stack', properties: { templateFile: 'Echo.template.json' } },
    },
  })
  return folder
}
