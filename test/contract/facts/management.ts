import { type Fact, shapeOf } from '../fact.ts'
import type { RawAnswer, Target } from '../target.ts'

const MAX_FRAME_BYTES = 32 * 1024
const MAX_MESSAGE_BYTES = 128 * 1024

const errorOf = ({ status, headers, body }: RawAnswer) => ({
  status,
  type: headers['x-amzn-errortype']?.split(':')[0] ?? null,
  isEmpty: body === '',
})

/** An id of the right shape that nobody has. */
const NOBODY = 'AAAAAMAAAgCAAAA='

async function closedConnection(target: Target): Promise<string> {
  const { line, id } = await target.probe()
  line.socket.close(1000)
  await line.closed
  await target.observed(id, 3) // $disconnect has run: the gateway knows
  return id
}

export const management: readonly Fact[] = [
  {
    fact: 'POST is answered with 200 and an empty body, and arrives as a text frame',
    source: 'recorded',
    expected: { status: 200, body: '', frame: { data: 'é€', isBinary: false } },
    observe: async (target) => {
      const { line, id } = await target.probe()
      const { status, body } = await target.manage('POST', id, { body: 'é€' })
      return { status, body, frame: await line.message() }
    },
  },
  {
    fact: 'GET tells when the connection was made, by whom, and when it was last active',
    source: 'documented',
    expected: {
      status: 200,
      body: { connectedAt: '<ISO time>', identity: { sourceIp: '<ip>' }, lastActiveAt: '<ISO time>' },
    },
    observe: async (target) => {
      const { id } = await target.probe()
      const { status, body } = await target.manage('GET', id)
      return { status, body: shapeOf(JSON.parse(body)) }
    },
  },
  {
    fact: 'DELETE is answered with 204 and an empty body',
    source: 'recorded',
    expected: { status: 204, body: '' },
    observe: async (target) => {
      const { id } = await target.probe()
      const { status, body } = await target.manage('DELETE', id)
      return { status, body }
    },
  },
  ...(['POST', 'GET', 'DELETE'] as const).map((method): Fact => ({
    fact: `${method} to a closed connection is 410, told by a header alone`,
    source: 'recorded',
    expected: { status: 410, type: 'GoneException', isEmpty: true },
    observe: async (target) => errorOf(await target.manage(method, await closedConnection(target))),
  })),
  {
    fact: 'an id that nobody ever had is 410',
    source: 'recorded',
    expected: { status: 410, type: 'GoneException', isEmpty: true },
    observe: async (target) => errorOf(await target.manage('POST', NOBODY)),
  },
  {
    fact: 'an id of another shape is 400',
    source: 'reported',
    expected: { status: 400, type: 'BadRequestException', isEmpty: false },
    observe: async (target) => errorOf(await target.manage('POST', '6sdf')),
  },
  {
    fact: 'a post that is not signed is 403',
    source: 'recorded',
    expected: 403,
    observe: async (target) => {
      const { id } = await target.probe()
      const url = `${target.callbackUrl}/@connections/${encodeURIComponent(id)}`
      return (await fetch(url, { method: 'POST', body: 'x' })).status
    },
  },
  {
    fact: 'a stage that is not there is 403',
    source: 'reported',
    expected: { status: 403, type: 'ForbiddenException', isEmpty: false },
    observe: async (target) => {
      const { id } = await target.probe()
      const elsewhere = (path: string) => path.replace('/contract/', '/elsewhere/')
      return errorOf(await target.manage('POST', id, { path: elsewhere }))
    },
  },
  {
    fact: 'the path may have @ as %40',
    source: 'documented',
    expected: 200,
    observe: async (target) => {
      const { id } = await target.probe()
      const encoded = (path: string) => path.replace('@', '%40')
      return (await target.manage('POST', id, { path: encoded })).status
    },
  },
  {
    fact: 'the path may have the id’s = as it is',
    source: 'documented',
    expected: 200,
    observe: async (target) => {
      const { id } = await target.probe()
      return (await target.manage('POST', id, { path: (path) => path.replace('%3D', '=') })).status
    },
  },
  {
    fact: 'a post of 128 KB arrives as one message',
    source: 'inferred',
    expected: [200, MAX_MESSAGE_BYTES],
    observe: async (target) => {
      const { line, id } = await target.probe()
      const { status } = await target.manage('POST', id, { body: 'x'.repeat(MAX_MESSAGE_BYTES) })
      return [status, (await line.message()).data.length]
    },
  },
  {
    fact: 'a post of more than one frame arrives as one message',
    source: 'chosen',
    expected: [200, MAX_FRAME_BYTES + 1],
    observe: async (target) => {
      const { line, id } = await target.probe()
      const { status } = await target.manage('POST', id, { body: 'x'.repeat(MAX_FRAME_BYTES + 1) })
      return [status, (await line.message()).data.length]
    },
  },
  {
    fact: 'a post of more than 128 KB is 413',
    source: 'reported',
    expected: { status: 413, type: 'PayloadTooLargeException', isEmpty: false },
    observe: async (target) => {
      const { id } = await target.probe()
      return errorOf(await target.manage('POST', id, { body: 'x'.repeat(MAX_MESSAGE_BYTES + 1) }))
    },
  },
]
