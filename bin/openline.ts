import { App } from 'aws-cdk-lib'
import { readConfig } from '../lib/config.ts'
import { OpenlineStack } from '../lib/stack.ts'

const app = new App()
const config = readConfig(app.node)
new OpenlineStack(app, `Openline-${config.stage}`, {
  config,
  description: 'A serverless WebSocket API (Openline)',
})
app.synth()
