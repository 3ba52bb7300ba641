import { type Fact, shapeOf } from '../fact.ts'
import type { Target } from '../target.ts'

const KIBIBYTE = 1024
const FRAME = 32 * KIBIBYTE
const MESSAGE = 128 * KIBIBYTE

/** The route that a message took, as its event says. */
const routeOf = (message: unknown) => async (target: Target) => {
  const { line, id } = await target.probe()
  line.send(message)
  const events = await target.observed(id, 3) // $connect, the probe's own question, this
  const { requestContext } = events.at(-1) as { requestContext: { routeKey: string } }
  return requestContext.routeKey
}

/** An answer with the ids in it replaced, its spacing as it came. */
const frameText = (message: unknown) => async (target: Target) => {
  const line = await target.connect('probe').open()
  line.send(message)
  return withoutIds((await line.message()).data)
}

const withoutIds = (text: string) => text.replace(/"[A-Za-z0-9_-]{15}="/g, '"<id>"')

const errorFrame = (message: string) => `{"message": "${message}", "connectionId":"<id>", "requestId":"<id>"}`

/** What comes first: the answer to a message, or to the question asked after it. */
const silentAfter =
  (told: unknown, action = '') =>
  async (target: Target) => {
    const line = await target.connect('probe').open()
    line.send({ action, do: told })
    // Answers may overtake one another on the way; a second question makes that unlikely to hide one.
    await line.ask({ action: 'mock' })
    await line.ask({ action: 'answer' })
    line.send({ action: 'mock' })
    const { data } = await line.message()
    return data.includes('"route":"mock"') ? 'nothing' : withoutIds(data)
  }

const closeAfter =
  (send: (line: Awaited<ReturnType<Target['probe']>>['line']) => void) => async (target: Target) => {
    const line = await target.connect('probe', {}, { perMessageDeflate: false }).open()
    send(line)
    return (await line.closed).code
  }

/** Sends a message in fragments; what comes back of it through a function. */
const fragments = (size: number, count: number) => async (target: Target) => {
  const { line, id } = await target.probe()
  const text = JSON.stringify({ padding: '' })
  const whole = JSON.stringify({ padding: 'x'.repeat(size * count - text.length) })
  for (let i = 0; i < count; i++)
    line.socket.send(whole.slice(i * size, (i + 1) * size), { fin: i === count - 1, compress: false })
  const events = await target.observed(id, 3)
  return String(events.at(-1)?.['body']).length
}

export const messages: readonly Fact[] = [
  {
    fact: 'the event of a message is this, with no headers',
    source: 'recorded',
    expected: {
      requestContext: {
        routeKey: 'answer',
        messageId: '<id>',
        eventType: 'MESSAGE',
        extendedRequestId: '<id>',
        requestTime: '<time>',
        messageDirection: 'IN',
        stage: 'contract',
        connectedAt: '<ms>',
        requestTimeEpoch: '<ms>',
        identity: { sourceIp: '<ip>' },
        requestId: '<id>',
        domainName: '<host>',
        connectionId: '<id>',
        apiId: '<api>',
      },
      body: '{"action":"answer"}',
      isBase64Encoded: false,
    },
    observe: async (target) => {
      const line = await target.connect('probe').open()
      return shapeOf(await line.ask({ action: 'answer' }))
    },
  },
  {
    fact: 'a message reaches the function byte for byte',
    source: 'recorded',
    expected: '{\r\n\t"action" : "answer" , "é": "€" }\n',
    observe: async (target) => {
      const line = await target.connect('probe').open()
      const event = (await line.ask('{\r\n\t"action" : "answer" , "é": "€" }\n')) as { body: string }
      return event.body
    },
  },
  {
    fact: 'the last six characters of a message id are those of its connection id',
    source: 'recorded',
    expected: true,
    observe: async (target) => {
      const line = await target.connect('probe').open()
      const event = (await line.ask({ action: 'answer' })) as { requestContext: Record<string, string> }
      const { messageId, connectionId } = event.requestContext
      return messageId?.slice(-6) === connectionId?.slice(-6)
    },
  },
  ...(
    [
      ['a number selects the route of its digits', { action: 1 }, '1', 'inferred'],
      ['a boolean selects the route of its name', { action: true }, 'true', 'inferred'],
      ['a list selects the route [a, b]', { action: ['a', 'b'] }, '[a, b]', 'documented'],
      ['null takes $default', { action: null }, '$default', 'chosen'],
      ['an empty string takes $default', { action: '' }, '$default', 'chosen'],
      ['no value takes $default', { other: 1 }, '$default', 'documented'],
      ['plain text takes $default', 'hello', '$default', 'documented'],
      ['another case takes $default', { action: 'ANSWER' }, '$default', 'documented'],
      ['a message that names $connect takes $default', { action: '$connect' }, '$default', 'chosen'],
      ['a message that names $disconnect takes $default', { action: '$disconnect' }, '$default', 'chosen'],
    ] as const
  ).map(([fact, message, expected, source]): Fact => ({ fact, source, expected, observe: routeOf(message) })),
  {
    fact: 'an expression of two parts selects the route of both',
    source: 'documented',
    expected: 'chat/say',
    observe: async (target) => {
      const line = await target.connect('composed').open()
      const event = (await line.ask({ service: 'chat', action: 'say' })) as {
        requestContext: { routeKey: string }
      }
      return event.requestContext.routeKey
    },
  },
  {
    fact: 'a part that is not there is empty text in an expression',
    source: 'documented',
    expected: 'chat/',
    observe: async (target) => {
      const line = await target.connect('composed').open()
      const event = (await line.ask({ service: 'chat' })) as { requestContext: { routeKey: string } }
      return event.requestContext.routeKey
    },
  },
  {
    fact: 'no matching route and no $default is Forbidden, to the byte',
    source: 'recorded',
    expected: errorFrame('Forbidden'),
    observe: async (target) => {
      const line = await target.connect('composed').open()
      line.send({ service: 'nobody' })
      return withoutIds((await line.message()).data)
    },
  },
  {
    fact: 'a function that throws is Internal server error, to the byte',
    source: 'recorded',
    expected: errorFrame('Internal server error'),
    observe: frameText({ do: { throw: 'no' } }),
  },
  {
    fact: 'a reply with an unknown key is Internal server error',
    source: 'recorded',
    expected: errorFrame('Internal server error'),
    observe: frameText({ do: { reply: { statusCode: 200, Data: 'x' } } }),
  },
  {
    fact: 'a function that may not be invoked is Internal server error',
    source: 'recorded',
    expected: errorFrame('Internal server error'),
    observe: frameText({ action: 'unreachable' }),
  },
  {
    fact: 'an integration slower than its timeout is Endpoint request timed out',
    source: 'recorded',
    expected: errorFrame('Endpoint request timed out'),
    observe: frameText({ action: 'hasty', do: { sleep: 3000 } }),
  },
  {
    fact: 'a message against the route’s model is Bad request body',
    source: 'documented',
    expected: errorFrame('Bad request body'),
    observe: frameText({ action: 'modelled', name: 1 }),
  },
  {
    fact: 'a message that fits the route’s model reaches the function',
    source: 'documented',
    expected: 'modelled',
    observe: async (target) => {
      const line = await target.connect('probe').open()
      const event = (await line.ask({ action: 'modelled', name: 'x' })) as {
        requestContext: { routeKey: string }
      }
      return event.requestContext.routeKey
    },
  },
  {
    fact: 'the line stays open after an error',
    source: 'recorded',
    expected: '{"a":1}',
    observe: async (target) => {
      const line = await target.connect('probe').open()
      await line.ask({ do: { throw: 'no' } })
      line.send({ action: 'answer', do: { reply: { statusCode: 200, body: '{"a":1}' } } })
      return (await line.message()).data
    },
  },
  ...(
    [
      ['a reply of 500 to a one-way route sends nothing', { reply: { statusCode: 500 } }, '', 'recorded'],
      [
        'the body of a one-way route’s reply is thrown away',
        { reply: { statusCode: 200, body: 'x' } },
        '',
        'documented',
      ],
      ['{} sends nothing', { reply: {} }, '', 'inferred'],
      ['no reply at all sends nothing', { nothing: true }, '', 'chosen'],
      [
        'a two-way route whose reply has no body sends nothing',
        { reply: { statusCode: 200 } },
        'answer',
        'chosen',
      ],
    ] as const
  ).map(([fact, told, action, source]): Fact => ({
    fact,
    source,
    expected: 'nothing',
    observe: silentAfter(told, action),
  })),
  {
    fact: 'a two-way route sends the body of a reply of 500 too',
    source: 'documented',
    expected: { data: 'x', isBinary: false },
    observe: async (target) => {
      const line = await target.connect('probe').open()
      line.send({ action: 'answer', do: { reply: { statusCode: 500, body: 'x' } } })
      return line.message()
    },
  },
  {
    fact: 'a MOCK integration answers with its template',
    source: 'recorded',
    expected: { id: '<id>', route: 'mock', stage: 'contract' },
    observe: async (target) => {
      const line = await target.connect('probe').open()
      const { id, ...rest } = (await line.ask({ action: 'mock' })) as Record<string, string>
      return { id: shapeOf(id, 'connectionId'), ...rest }
    },
  },
  {
    fact: 'a frame of 32 KB passes',
    source: 'documented',
    expected: FRAME,
    observe: fragments(FRAME, 1),
  },
  {
    fact: 'a frame of more than 32 KB closes with 1009',
    source: 'documented',
    expected: 1009,
    observe: closeAfter((line) => line.socket.send('x'.repeat(FRAME + 1))),
  },
  {
    fact: 'a message of 128 KB in four fragments passes as one',
    source: 'documented',
    expected: MESSAGE,
    observe: fragments(FRAME, 4),
  },
  {
    fact: 'a message of more than 128 KB in fragments closes with 1009',
    source: 'documented',
    expected: 1009,
    observe: closeAfter((line) => {
      for (let i = 0; i < 5; i++)
        line.socket.send('x'.repeat(i < 4 ? FRAME : 1), { fin: i === 4, compress: false })
    }),
  },
  {
    fact: 'a binary frame closes with 1003',
    source: 'documented',
    expected: 1003,
    observe: closeAfter((line) => line.socket.send(Buffer.from([1, 2, 3]))),
  },
]
