import { parseJson } from '../../payload.ts'
import type { HttpAnswer } from './http-client.ts'
import { IntegrationError } from './integration.ts'

/**
 * Integrations call SQS by its query protocol, `Action=SendMessage&MessageBody=…`, and get JSON that has the shape of
 * the protocol's XML. The queues here speak the JSON protocol, so that calls are put into it and answers back:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export function fromQueryCall(
  form: URLSearchParams,
  queueUrl: string,
): { readonly action: string; readonly input: object } {
  const action = form.get('Action') ?? ''
  if (action === 'SendMessage') return { action, input: { QueueUrl: queueUrl, ...messageOf(treeOf(form)) } }
  if (action === 'SendMessageBatch') {
    const entries = Object.values(childrenOf(treeOf(form), 'SendMessageBatchRequestEntry'))
    return {
      action,
      input: { QueueUrl: queueUrl, Entries: entries.map((entry) => messageOf(entry as Tree)) },
    }
  }
  throw new IntegrationError(
    `it calls the action "${action}" of SQS; expected SendMessage or SendMessageBatch, which are emulated`,
  )
}

/** `{"SendMessageResponse":{"SendMessageResult":{"MessageId":"…"},"ResponseMetadata":{"RequestId":"…"}}}` */
export function toQueryAnswer(action: string, { statusCode, headers, body }: HttpAnswer): HttpAnswer {
  const answer = (parseJson(body.toString()) ?? {}) as Readonly<Record<string, unknown>>
  const RequestId = headers['x-amzn-requestid']?.[0] ?? ''
  const content =
    statusCode === 200
      ? {
          [`${action}Response`]: { [`${action}Result`]: resultOf(answer), ResponseMetadata: { RequestId } },
        }
      : {
          Error: {
            Code: headers['x-amzn-query-error']?.[0]?.split(';')[0] ?? String(answer['__type']),
            Message: answer['message'],
            Type: 'Sender',
          },
          RequestId,
        }
  return {
    statusCode,
    headers: { 'content-type': ['application/json'] },
    body: Buffer.from(JSON.stringify(content)),
  }
}

/** A batch's lists are called by their entries' types in the query protocol. */
function resultOf({ Successful, Failed, ...rest }: Readonly<Record<string, unknown>>): object {
  return {
    ...rest,
    ...(Successful === undefined ? {} : { SendMessageBatchResultEntry: Successful }),
    ...(Array.isArray(Failed) && Failed.length > 0 ? { BatchResultErrorEntry: Failed } : {}),
  }
}

/** Names with dots: `MessageAttribute.1.Value.StringValue`. */
interface Tree {
  [name: string]: string | Tree
}

function treeOf(form: URLSearchParams): Tree {
  const root: Tree = {}
  for (const [name, value] of form) {
    const steps = name.split('.')
    const last = steps.pop() ?? ''
    let at = root
    for (const step of steps) {
      const next = Object.hasOwn(at, step) ? at[step] : undefined
      const child: Tree = typeof next === 'object' ? next : {}
      at[step] = child
      at = child
    }
    at[last] = value
  }
  return root
}

const childrenOf = (tree: Tree, name: string): Tree => {
  const child = tree[name]
  return typeof child === 'object' ? child : {}
}

function messageOf(tree: Tree): object {
  const { DelaySeconds } = tree
  const attributes = Object.values(childrenOf(tree, 'MessageAttribute')).map((attribute) => {
    const { Name, Value } = attribute as Tree
    return [Name, Value] as const
  })
  return {
    ...Object.fromEntries(
      FIELDS.flatMap((name) => (typeof tree[name] === 'string' ? [[name, tree[name]]] : [])),
    ),
    ...(typeof DelaySeconds === 'string' ? { DelaySeconds: Number(DelaySeconds) } : {}),
    ...(attributes.length > 0 ? { MessageAttributes: Object.fromEntries(attributes) as object } : {}),
  }
}

const FIELDS = ['Id', 'MessageBody', 'MessageGroupId', 'MessageDeduplicationId']
