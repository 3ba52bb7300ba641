import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb'
import { type TaskId, taskId } from '../../protocol/ids.ts'
import type { Task } from '../../protocol/messages.ts'
import type { TaskStore } from '../core/ports.ts'
import { conditionally } from './conditional.ts'

/** Tasks in DynamoDB, one item each: the task's own fields. */
export function taskStore(client: DynamoDBDocumentClient, { table }: { readonly table: string }): TaskStore {
  const TableName = table
  const isNew = 'attribute_not_exists(id)'
  const isAtVersion = '#version = :version'
  const atVersion = (version: number) => ({
    ConditionExpression: isAtVersion,
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': version },
  })

  return {
    async create(task) {
      await client.send(new PutCommand({ TableName, Item: { ...task }, ConditionExpression: isNew }))
    },

    async find(id) {
      const { Item } = await client.send(new GetCommand({ TableName, Key: { id }, ConsistentRead: true }))
      return Item as Task | undefined
    },

    async list(limit, after) {
      const page = await client.send(
        new ScanCommand({
          TableName,
          Limit: limit,
          ConsistentRead: true,
          ...(after === undefined ? {} : { ExclusiveStartKey: { id: after } }),
        }),
      )
      const next: unknown = page.LastEvaluatedKey?.['id']
      return {
        tasks: (page.Items ?? []) as Task[],
        ...(typeof next === 'string' ? { next: taskId(next) } : {}),
      }
    },

    async replace(task) {
      const put = new PutCommand({ TableName, Item: { ...task }, ...atVersion(task.version - 1) })
      return (await conditionally(client.send(put))) === 'conflict' ? 'conflict' : 'replaced'
    },

    async remove(id: TaskId, version) {
      const remove = new DeleteCommand({ TableName, Key: { id }, ...atVersion(version) })
      return (await conditionally(client.send(remove))) === 'conflict' ? 'conflict' : 'removed'
    },
  }
}
