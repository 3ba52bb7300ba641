// The REST side: create, list, read, change and delete tasks.
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { documentClient } from './aws/document-client.ts'
import { httpReply, taskRequestOf } from './aws/events.ts'
import { report } from './aws/log.ts'
import { newTaskId, systemClock } from './aws/system.ts'
import { wireLog, wireTasks } from './aws/wire.ts'
import { problem } from './core/problem.ts'
import { handleTaskRequest } from './core/tasks.ts'

const client = documentClient()
const deps = { tasks: wireTasks(client), log: wireLog(client), clock: systemClock, newTaskId }

export async function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  const { requestId } = event.requestContext
  try {
    return httpReply(await handleTaskRequest(taskRequestOf(event), deps), requestId)
  } catch (error) {
    report('error', 'a request could not be handled', { requestId, error: String(error) })
    return httpReply(problem('internal', 'the request could not be handled; try again'), requestId)
  }
}
