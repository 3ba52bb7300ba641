import { expect, it } from 'vitest'
import type { Resource } from '../../../local/cloudformation/resource.ts'
import { summaryOf } from '../../../local/watch/summary.ts'

const resource = (type: string, path: string): Resource => {
  const id = path.split('/').slice(1).join('')
  return { type: `AWS::${type}`, path, stack: 'App', logicalId: id, physicalId: id, arn: '', properties: {} }
}
const NOTHING = { added: [], removed: [], changed: [], failures: new Map<string, string>() }
const fn = (name: string) => resource('Lambda::Function', `App/Api/${name}/Function`)

it.each([
  ['a function by its name in the stack', { changed: [fn('Default')] }, 420, 'Api/Default: live in 420 ms'],
  [
    'many functions by their number',
    { changed: ['A', 'B', 'C', 'D'].map(fn) },
    1949,
    'stack: 4 functions changed in 1.9 s',
  ],
  [
    'everything else by its kind',
    {
      changed: [fn('A')],
      added: [
        resource('ApiGatewayV2::Api', 'App/Chat'),
        resource('ApiGatewayV2::Route', 'App/Chat/a'),
        resource('ApiGatewayV2::Route', 'App/Chat/b'),
        resource('IAM::Policy', 'App/P'),
        resource('IAM::Policy', 'App/Q'),
        resource('Lambda::EventSourceMapping', 'App/M'),
        resource('Lambda::Permission', 'App/N'),
      ],
    },
    20,
    'stack: 1 function, 1 API, 2 routes, 2 policies, 1 event source mapping changed in 20 ms',
  ],
  ['nothing where only by-products changed', { added: [resource('Lambda::Version', 'App/V')] }, 1, undefined],
])('sums up %s', (_, update, ms, text) => {
  expect(summaryOf({ ...NOTHING, ...update }, ms)).toBe(text)
})
