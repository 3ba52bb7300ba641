import { createRequire } from 'node:module'

const { signedCall } = createRequire(import.meta.url)('./signed-call.cjs')

/** Answers with its variables, and with what it reads at run time, from a Region that it names itself. */
export async function handler() {
  const { body } = await signedCall({
    service: 'ssm',
    host: 'ssm.us-east-1.amazonaws.com',
    target: 'AmazonSSM.GetParameter',
    body: JSON.stringify({ Name: process.env.URL_PARAMETER }),
  })
  const { GREETING, COLOUR, PASSWORD, ONLY_IN_TEST, OUTSIDE, NESTED } = process.env
  const url = JSON.parse(body).Parameter?.Value ?? body
  const answer = { GREETING, COLOUR, PASSWORD, ONLY_IN_TEST, OUTSIDE, NESTED, url }
  return { statusCode: 200, body: JSON.stringify(answer) }
}
