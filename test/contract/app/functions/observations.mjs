import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'

const table = process.env.OBSERVATIONS
const client = DynamoDBDocumentClient.from(new DynamoDBClient({}))
const HOUR = 3600

/** Writes an event down as text, so that the order of its keys is kept, under each name it can be asked for by. */
export async function observe(event) {
  const { requestTimeEpoch, requestId, connectionId } = event.requestContext
  const names = [event.queryStringParameters?.probe, connectionId].filter(Boolean)
  for (const pk of names)
    await client.send(
      new PutCommand({
        TableName: table,
        Item: {
          pk,
          sk: `${String(requestTimeEpoch)}#${requestId}#${event.type ?? ''}`,
          event: JSON.stringify(event),
          expiresAt: Math.floor(Date.now() / 1000) + HOUR,
        },
      }),
    )
}

/** Everything written down under a name, oldest first. */
export async function observed(pk) {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': pk },
      ConsistentRead: true,
    }),
  )
  return Items.map(({ event }) => event)
}
