// Runs an assembly in a process of its own, whose memory can be asked for.
import { serve } from '../../../bench/support/child.ts'
import { startStack } from '../../../local/stack.ts'

const [assembly = ''] = process.argv.slice(2)
// The account's own quotas would keep a crowd out.
const quotas = { requestsPerSecond: 1e6, burst: 1e6, newConnectionsPerSecond: 1e6 }
const stack = await startStack({ assembly, iam: false, quotas })
const api = stack.apis[0]
serve({ url: api?.url ?? '', callbackUrl: api?.callbackUrl ?? '' })
