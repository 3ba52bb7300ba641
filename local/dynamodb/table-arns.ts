type Fields = Readonly<Record<string, unknown>>

/** `Tasks`, of that or of `arn:aws:dynamodb:eu-west-1:123456789012:table/Tasks`. */
export const tableNameOf = (nameOrArn: string) =>
  nameOrArn.replace(/^arn:[^:]+:dynamodb:[^:]*:[^:]*:table\/([^/]+).*$/, '$1')

/** A call with table names in the place of the ARNs that DynamoDB takes as well. */
export function withTableNames(input: Fields): Fields {
  const { TableName, RequestItems, TransactItems } = input
  return {
    ...input,
    ...(typeof TableName === 'string' ? { TableName: tableNameOf(TableName) } : {}),
    ...(isFields(RequestItems) ? { RequestItems: withNamedKeys(RequestItems) } : {}),
    ...(Array.isArray(TransactItems) ? { TransactItems: TransactItems.map(withNamedItems) } : {}),
  }
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

const withNamedKeys = (items: Fields): Fields =>
  Object.fromEntries(Object.entries(items).map(([table, value]) => [tableNameOf(table), value]))

/** `{"Put":{"TableName":…}}` and its like. */
const withNamedItems = (item: unknown): unknown =>
  isFields(item)
    ? Object.fromEntries(
        Object.entries(item).map(([action, value]) => [
          action,
          isFields(value) ? withTableNames(value) : value,
        ]),
      )
    : item
