// Does what it is told: in the query of a handshake (`?do={…}`), in the `do` of a message, in the query of a request.
//   {"reply": …}    gives that back as it is      {"throw": "…"}   throws an error with that message
//   {"sleep": 800}  waits before it does the rest {"post": true}   posts to its own connection, and answers with that status
//   {"nothing": true}  gives nothing back
import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { observe, observed } from './observations.mjs'

const management = new ApiGatewayManagementApiClient({ endpoint: process.env.CALLBACK_URL })

export async function handler(event) {
  if (event.version === '2.0') return carryOut(event, toldIn(event.queryStringParameters?.do))
  const { routeKey, eventType } = event.requestContext
  if (routeKey === 'observed') return answer(await observed(JSON.parse(event.body).name))
  if (routeKey === 'urls') return { statusCode: 200, body: process.env.URLS }
  await observe(event)
  if (eventType === 'CONNECT')
    return carryOut(event, toldIn(event.queryStringParameters?.do), { statusCode: 200 })
  if (eventType === 'DISCONNECT') return { statusCode: 200 }
  return carryOut(event, toldIn(event.body)?.do)
}

async function carryOut(event, told, otherwise = answer(event)) {
  if (told?.sleep) await new Promise((resolve) => setTimeout(resolve, told.sleep))
  if (told?.throw) throw new Error(told.throw)
  if (told?.post) return { statusCode: await post(event.requestContext.connectionId) }
  if (told?.nothing) return undefined
  return told && 'reply' in told ? told.reply : otherwise
}

/** @returns the status of a post to one's own connection */
async function post(ConnectionId) {
  const { $metadata } = await management
    .send(new PostToConnectionCommand({ ConnectionId, Data: 'posted' }))
    .catch((error) => error)
  return $metadata.httpStatusCode
}

const answer = (value) => ({ statusCode: 200, body: JSON.stringify(value) })

function toldIn(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // plain text is a message too
  }
}
