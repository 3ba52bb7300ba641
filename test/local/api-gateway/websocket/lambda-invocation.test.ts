import { expect, it } from 'vitest'
import { functionOf } from '../../../../local/api-gateway/websocket/integrations/lambda-invocation.ts'

const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:chat'
const PATH = 'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions'

it.each([
  [`${PATH}/${FUNCTION}/invocations`, FUNCTION],
  [`${PATH}/${FUNCTION}:live/invocations`, `${FUNCTION}:live`],
  [`${PATH}/\${stageVariables.fn}/invocations`, '${stageVariables.fn}'],
  // CDK before 1.98 gave the ARN alone, which works: https://github.com/aws/aws-cdk/pull/13820
  [FUNCTION, FUNCTION],
  ['arn:aws:sqs:eu-west-1:123456789012:queue', undefined],
  [PATH, undefined],
])('the function of the URI %s is %s', (uri, expected) => {
  expect(functionOf(uri)).toBe(expected)
})
