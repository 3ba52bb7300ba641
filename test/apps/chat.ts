// A chat of L1 resources in two stacks: the second imports by a name of its own what the first exports. Functions are
// plain CommonJS without a bundle. No $default route.
import { type App, CfnOutput, Fn, Stack } from 'aws-cdk-lib'
import { CfnApi, CfnDeployment, CfnIntegration, CfnRoute, CfnStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda'
import { FUNCTIONS, newApp } from './assembly.ts'

export function chat(outdir: string): App {
  const app = newApp(outdir)
  const data = new Stack(app, 'ChatData')
  const connections = new Table(data, 'Connections', {
    partitionKey: { name: 'id', type: AttributeType.STRING },
  })
  new CfnOutput(data, 'TableName', { value: connections.tableName, exportName: 'chat-connections' })

  const stack = new Stack(app, 'Chat')
  stack.addStackDependency(data)
  const table = Table.fromTableName(stack, 'Imported', Fn.importValue('chat-connections'))
  const api = new CfnApi(stack, 'Api', {
    name: 'chat',
    protocolType: 'WEBSOCKET',
    routeSelectionExpression: '$request.body.action',
  })
  const role = new Role(stack, 'Gateway', { assumedBy: new ServicePrincipal('apigateway.amazonaws.com') })
  const routes = { $connect: 'enter', $disconnect: 'leave', say: 'say' }
  const made = Object.entries(routes).map(([routeKey, name]) => {
    const fn = new Function(stack, name, {
      runtime: Runtime.NODEJS_20_X,
      handler: `rooms.${name}`,
      code: Code.fromAsset(FUNCTIONS),
      environment: { TABLE: table.tableName },
    })
    table.grantReadWriteData(fn)
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: ['execute-api:ManageConnections'],
        resources: [stack.formatArn({ service: 'execute-api', resource: api.ref, resourceName: '*' })],
      }),
    )
    fn.grantInvoke(role)
    const integration = new CfnIntegration(stack, `${name}Integration`, {
      apiId: api.ref,
      integrationType: 'AWS_PROXY',
      integrationUri: `arn:aws:apigateway:${stack.region}:lambda:path/2015-03-31/functions/${fn.functionArn}/invocations`,
      credentialsArn: role.roleArn,
    })
    return new CfnRoute(stack, `${name}Route`, {
      apiId: api.ref,
      routeKey,
      target: `integrations/${integration.ref}`,
    })
  })
  const deployment = new CfnDeployment(stack, 'Deployment', { apiId: api.ref })
  for (const route of made) deployment.addResourceDependency(route)
  new CfnStage(stack, 'Stage', { apiId: api.ref, stageName: 'dev', deploymentId: deployment.ref })
  new CfnOutput(stack, 'Url', { value: `${api.attrApiEndpoint}/dev` })
  return app
}
