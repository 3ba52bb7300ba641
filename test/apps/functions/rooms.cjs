const { dynamodb, signedCall } = require('./signed-call.cjs')

const TableName = process.env.TABLE
const keyOf = (event) => ({ id: { S: event.requestContext.connectionId } })

exports.enter = async (event) => {
  await dynamodb('PutItem', { TableName, Item: keyOf(event) })
  return { statusCode: 200 }
}

exports.leave = async (event) => {
  await dynamodb('DeleteItem', { TableName, Key: keyOf(event) })
  return { statusCode: 200 }
}

exports.say = async (event) => {
  const { domainName: host, stage } = event.requestContext
  const { Items } = await dynamodb('Scan', { TableName })
  const body = JSON.parse(event.body).text
  for (const { id } of Items) {
    const path = `/${stage}/@connections/${encodeURIComponent(id.S)}`
    const { status } = await signedCall({ service: 'execute-api', host, path, body })
    if (status === 410) await dynamodb('DeleteItem', { TableName, Key: { id } })
  }
  return { statusCode: 200 }
}
