import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { startOpenline, synthesizeOpenline } from '../support/openline.ts'

const PATIENCE = { timeout: 20_000, interval: 20 }

let app: Awaited<ReturnType<typeof synthesizeOpenline>>
let openline: Awaited<ReturnType<typeof startOpenline>>
beforeAll(async () => {
  app = await synthesizeOpenline({ 'openline:idleTimeoutSeconds': '10', 'openline:heartbeatSeconds': '5' })
})
beforeEach(async () => void (openline = await startOpenline(app.assembly)))
afterEach(async () => openline.close())
afterAll(() => app.remove())

/** Makes a recorded connection look as old as it may be for a sweep to look at it. */
async function age(connectionId: string, ms: number): Promise<void> {
  const { engine } = openline.stack.dynamodb
  await engine.client.call('UpdateItem', {
    TableName: Object.values(openline.stack.namesOf('AWS::DynamoDB::Table')).find((n) =>
      n.includes('Connections'),
    ),
    Key: { pk: { S: `C#${connectionId}` }, sk: { S: '.' } },
    UpdateExpression: 'SET connectedAt = :at',
    ExpressionAttributeValues: { ':at': { N: String(Date.now() - ms) } },
  })
}

it('forgets a ghost whose $disconnect was lost, and leaves the open connection alone', async () => {
  const [ghost, open] = [openline.connect('?channel=tasks'), openline.connect('?channel=tasks')]
  const { connectionId: gone } = await ghost.frame()
  const { connectionId: staying } = await open.frame()
  const traces = await openline.tracesOf(String(gone))
  ghost.socket.close()
  await vi.waitFor(async () => expect(await openline.tracesOf(String(gone))).toEqual([]), PATIENCE)
  // Its items come back, as if no $disconnect had ever run.
  const { engine } = openline.stack.dynamodb
  const TableName = Object.values(openline.stack.namesOf('AWS::DynamoDB::Table')).find((n) =>
    n.includes('Connections'),
  )
  for (const item of traces)
    await engine.client.call('PutItem', { TableName, Item: JSON.parse(item) as unknown })
  await age(String(gone), 60_000)
  await age(String(staying), 60_000)

  const [rule] = Object.keys(openline.stack.namesOf('AWS::Events::Rule'))
  openline.stack.schedules.fire(rule ?? '')
  await vi.waitFor(async () => expect(await openline.tracesOf(String(gone))).toEqual([]), PATIENCE)
  expect((await openline.tracesOf(String(staying))).length).toBe(2)
  expect(await open.ask({ action: 'ping' })).toEqual({ type: 'pong' })
})
