// A call to AWS as SDK v2 makes it: CommonJS, the https module, a signature of version 4, and nothing of an SDK.
const { createHash, createHmac } = require('crypto')
const https = require('https')

const hash = (text) => createHash('sha256').update(text).digest('hex')
const hmac = (key, text) => createHmac('sha256', key).update(text).digest()

/**
 * @param {{ service: string, host: string, path?: string, target?: string, body: string }} call
 * @returns {Promise<{ status: number, body: string }>}
 */
exports.signedCall = ({ service, host, path = '/', target, body }) => {
  const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  const time = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '')
  const headers = {
    host,
    'x-amz-date': time,
    'x-amz-security-token': AWS_SESSION_TOKEN,
    ...(target ? { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target } : {}),
  }
  const names = Object.keys(headers).sort()
  const request = [
    'POST',
    path.split('/').map(encodeURIComponent).join('/'),
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    hash(body),
  ].join('\n')
  const scope = `${time.slice(0, 8)}/${AWS_REGION}/${service}/aws4_request`
  const key = scope.split('/').reduce((secret, part) => hmac(secret, part), `AWS4${AWS_SECRET_ACCESS_KEY}`)
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, hash(request)].join('\n')).toString('hex')
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${AWS_ACCESS_KEY_ID}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return new Promise((resolve, reject) => {
    const sent = https.request({ host, path, method: 'POST', headers }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

exports.dynamodb = async (operation, input) => {
  const host = `dynamodb.${process.env.AWS_REGION}.amazonaws.com`
  const target = `DynamoDB_20120810.${operation}`
  const { status, body } = await exports.signedCall({
    service: 'dynamodb',
    host,
    target,
    body: JSON.stringify(input),
  })
  if (status !== 200) throw new Error(body)
  return JSON.parse(body)
}
