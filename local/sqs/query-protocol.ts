import type { SqsError } from './errors.ts'

/** A call of the older protocol, in the fields of the JSON one. */
export interface QueryCall {
  /** `SendMessage` */
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
}

type Tree = { [name: string]: Tree | string }

const NAMESPACE = 'http://queue.amazonaws.com/doc/2012-11-05/'
const INTEGERS = /^(DelaySeconds|MaxNumberOfMessages|VisibilityTimeout|WaitTimeSeconds|MaxResults)$/
/** Lists that the query protocol names in the singular. */
const NAME_LISTS = /^(Attribute|MessageAttribute|MessageSystemAttribute)Name$/
const ATTRIBUTE_MAPS = /^Message(System)?Attribute$/
const ENTRIES = /RequestEntry$/

/**
 * Reads a form such as `Action=SendMessage&QueueUrl=…&MessageBody=hello&MessageAttribute.1.Name=kind&MessageAttribute.1.Value.DataType=String`.
 * @param path of the request: the queue's, where the form does not name it
 */
export function readQuery(form: string, path: string): QueryCall {
  const tree: Tree = Object.create(null) as Tree
  for (const [name, value] of new URLSearchParams(form)) put(tree, name.split('.'), value)
  const { Action, Version: _version, ...rest } = tree
  const queue = path.split('?')[0] ?? ''
  return {
    operation: typeof Action === 'string' ? Action : '',
    input: { ...(queue.length > 1 ? { QueueUrl: queue } : {}), ...toInput(rest) },
  }
}

function put(tree: Tree, [name = '', ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) {
    tree[name] = value
    return
  }
  const found = tree[name]
  const inner = typeof found === 'object' ? found : (Object.create(null) as Tree)
  tree[name] = inner
  put(inner, rest, value)
}

function toInput(tree: Tree): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tree).map(([name, value]): [string, unknown] => {
      if (typeof value === 'string') return [name, INTEGERS.test(name) ? Number(value) : value]
      if (NAME_LISTS.test(name)) return [`${name}s`, inOrder(value)]
      if (ATTRIBUTE_MAPS.test(name)) return [`${name}s`, toMap(inOrder(value))]
      if (ENTRIES.test(name)) return ['Entries', inOrder(value).map((entry) => toInput(asTree(entry)))]
      return [name, toInput(value)]
    }),
  )
}

/** `{"1":a,"2":b}` as a list. */
const inOrder = (list: Tree) =>
  Object.entries(list)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, item]) => item)

const asTree = (value: Tree | string): Tree => (typeof value === 'string' ? {} : value)

const toMap = (items: readonly (Tree | string)[]) =>
  Object.fromEntries(
    items.map(asTree).map(({ Name, Value }) => [typeof Name === 'string' ? Name : '', Value ?? {}]),
  )

/**
 * ```xml
 * <SendMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><SendMessageResult><MessageId>…</MessageId></SendMessageResult>
 * <ResponseMetadata><RequestId>…</RequestId></ResponseMetadata></SendMessageResponse>
 * ```
 */
export function writeQueryResult(operation: string, output: object, requestId: string): string {
  const result = element(`${operation}Result`, fields(output, operation))
  const metadata = element('ResponseMetadata', element('RequestId', escape(requestId)))
  return document(`${operation}Response`, result + metadata)
}

export function writeQueryError({ queryCode, message }: SqsError, requestId: string): string {
  const error = Object.entries({ Type: 'Sender', Code: queryCode, Message: message })
  const content = error.map(([name, text]) => element(name, escape(text))).join('')
  return document(
    'ErrorResponse',
    `${element('Error', `${content}<Detail/>`)}${element('RequestId', requestId)}`,
  )
}

/** Lists of the JSON protocol, each item in an element of its own kind. */
const ITEMS: Readonly<Record<string, (operation: string) => string>> = {
  Messages: () => 'Message',
  QueueUrls: () => 'QueueUrl',
  Successful: (operation) => `${operation}ResultEntry`,
  Failed: () => 'BatchResultErrorEntry',
}
/** Maps, each entry with a name and a value. */
const MAPS: Readonly<Record<string, string>> = {
  Attributes: 'Attribute',
  MessageAttributes: 'MessageAttribute',
}

function fields(value: unknown, operation: string): string {
  if (typeof value !== 'object' || value === null) return escape(String(value))
  return Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([name, item]: [string, unknown]) => {
      const itemName = ITEMS[name]?.(operation)
      if (itemName !== undefined)
        return (item as unknown[]).map((each) => element(itemName, fields(each, operation))).join('')
      const mapName = MAPS[name]
      if (mapName === undefined) return element(name, fields(item, operation))
      return Object.entries(item as object)
        .map(([key, each]) =>
          element(mapName, element('Name', escape(key)) + element('Value', fields(each, operation))),
        )
        .join('')
    })
    .join('')
}

const document = (name: string, content: string) =>
  `<?xml version="1.0"?><${name} xmlns="${NAMESPACE}">${content}</${name}>`
const element = (name: string, content: string) => `<${name}>${content}</${name}>`
/** A carriage return would be read as a line feed. */
const escape = (text: string) =>
  text.replace(
    /[&<>"\r]/g,
    (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? '&#xD;',
  )
