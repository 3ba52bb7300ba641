import { describe, expect, it } from 'vitest'
import { AccessLog, readAccessLogSettings } from '../../../local/api-gateway/access-log.ts'

const ARN = 'arn:aws:logs:eu-west-1:123456789012:log-group:/aws/chat:*'

function write(format: string, context: Readonly<Record<string, unknown>>, destinationArn = ARN) {
  const lines: string[] = []
  const keep = (source: string, text: string) => lines.push(`${source}|${text}`)
  new AccessLog({ destinationArn, format }, { info: keep, warn: keep, error: keep }).write(context)
  return lines
}

const context = {
  requestId: 'r',
  routeKey: '$default',
  status: 200,
  identity: { sourceIp: '198.51.100.7' },
  authorizer: { principalId: 'p', tenant: 't' },
  error: { message: 'Forbidden', messageString: '"Forbidden"' },
}

describe('an access log', () => {
  it.each([
    [
      'JSON',
      '{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","status":$context.status}',
      '{"requestId":"r","ip":"198.51.100.7","status":200}',
    ],
    [
      'CLF',
      '$context.identity.sourceIp - - "$context.routeKey" $context.status $context.requestId',
      '198.51.100.7 - - "$default" 200 r',
    ],
    [
      'XML',
      '<request id="$context.requestId"><status>$context.status</status></request>',
      '<request id="r"><status>200</status></request>',
    ],
    ['CSV', '$context.requestId,$context.routeKey,$context.status', 'r,$default,200'],
  ])('is written in %s under the name of its log group', (_, format, line) => {
    expect(write(format, context)).toEqual([`/aws/chat|${line}`])
  })

  it('knows variables within others, and writes - for what is not known', () => {
    const format =
      '$context.requestId $context.authorizer.tenant $context.error.messageString $context.waf.status $context.x'
    expect(write(format, context)).toEqual(['/aws/chat|r t "Forbidden" - -'])
  })

  it('is called after its Firehose stream', () => {
    const arn = 'arn:aws:firehose:eu-west-1:123456789012:deliverystream/amazon-apigateway-chat'
    expect(write('$context.requestId', context, arn)).toEqual(['amazon-apigateway-chat|r'])
  })

  it('takes $context.extendedRequestId in the place of $context.requestId', () => {
    expect(write('$context.extendedRequestId', { extendedRequestId: 'e' })).toEqual(['/aws/chat|e'])
  })

  it('refuses a format without $context.requestId', () => {
    expect(() => write('$context.requestIdOther $context.status', context)).toThrow(
      'lacks $context.requestId',
    )
  })

  it('refuses a format of more than 3 KB', () => {
    expect(() => write(`$context.requestId ${'a'.repeat(3072)}`, context)).toThrow(
      '3091 bytes; expected at most 3072',
    )
  })
})

it.each([[undefined], [{}], [{ DestinationArn: ARN }]])('settings of %j keep no log', (settings) => {
  expect(readAccessLogSettings(settings)).toBeUndefined()
})
