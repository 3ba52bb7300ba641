// The app that the contract suite asks its questions of. On AWS:
//   npx cdk deploy --app 'node --import tsx test/contract/app/main.ts' --output cdk.out/contract
import { App } from 'aws-cdk-lib'
import { ContractStack } from './stack.ts'

const app = new App()
new ContractStack(app, 'OpenlineContract')
app.synth()
