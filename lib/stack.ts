import { Annotations, CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib'
import { LambdaDestination } from 'aws-cdk-lib/aws-lambda-destinations'
import type { Construct } from 'constructs'
import { ChannelLog } from './channel-log.ts'
import type { Config } from './config.ts'
import { Connections } from './connections.ts'
import { HandlerFunction, type HandlerFunctionProps } from './handler-function.ts'
import { Sweep } from './sweep.ts'
import { TaskStream } from './task-stream.ts'
import { TasksApi } from './tasks-api.ts'
import { WebSocketApi } from './websocket-api.ts'

export interface OpenlineStackProps extends StackProps {
  readonly config: Config
}

const OPEN_ACCESS =
  'access is open: whoever knows the URLs can connect, say anything in any room, and read and change every task'

/** Puts the constructs together and prints the outputs. */
export class OpenlineStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: OpenlineStackProps) {
    super(scope, id, props)
    const socket = new WebSocketApi(this, 'Socket', { stageName: config.stage, throttle: config.throttle })
    const connections = new Connections(this, 'Connections')
    const log = new ChannelLog(this, 'ChannelLog')
    const logVariables = {
      channelLogTable: log.table.tableName,
      logRetentionSeconds: String(config.logRetention.toSeconds()),
    }
    const tasks = new TasksApi(this, 'TasksApi', { ...config, log, environment: logVariables })

    const variables = {
      connectionsTable: connections.table.tableName,
      subscriptionShards: String(config.subscriptionShards),
    }
    const publishing = {
      ...variables,
      ...logVariables,
      callbackUrl: socket.callbackUrl,
    }
    const lease = { leaseSeconds: String(config.lease.toSeconds()) }
    const handler = (name: string, props: Omit<HandlerFunctionProps, 'logRetention'>) =>
      new HandlerFunction(this, name, { ...props, logRetention: config.functionLogRetention })

    /** What appending to a log and fanning out take. */
    const letPublish = ({ function: publisher }: HandlerFunction) => {
      connections.grantReadSubscribers(publisher)
      connections.grantForget(publisher)
      log.grantAppend(publisher)
      socket.grantManageConnections(publisher, 'POST', 'DELETE')
    }

    const welcome = handler('Welcome', {
      entry: 'lambda/welcome.ts',
      description: 'Greets a connection once its handshake is over',
      timeout: Duration.seconds(30),
      environment: {
        ...publishing,
        ...lease,
        tasksTable: tasks.table.tableName,
        heartbeatSeconds: String(config.heartbeat.toSeconds()),
        reconnectSeconds: String(config.reconnect.toSeconds()),
      },
    })
    const turnAway = handler('TurnAway', {
      entry: 'lambda/turn-away.ts',
      description: 'Closes a connection that could not be greeted',
      timeout: Duration.seconds(30),
      environment: { ...variables, callbackUrl: socket.callbackUrl },
    })
    connections.grantForget(turnAway.function)
    socket.grantManageConnections(turnAway.function, 'GET', 'DELETE')
    welcome.function.configureAsyncInvoke({
      retryAttempts: 0, // whoever waits a minute for its greeting is better off coming back at once
      maxEventAge: Duration.minutes(1),
      onFailure: new LambdaDestination(turnAway.function),
    })
    connections.grantFind(welcome.function)
    connections.grantForget(welcome.function)
    log.grantAppend(welcome.function)
    tasks.grantFind(welcome.function)
    socket.grantManageConnections(welcome.function, 'POST', 'GET', 'DELETE')

    const connect = handler('Connect', {
      entry: 'lambda/connect.ts',
      description: '$connect: records the connection and has it greeted',
      environment: { ...variables, ...lease, welcomeFunction: welcome.function.functionName },
    })
    connections.grantAdd(connect.function)
    welcome.function.grantInvoke(connect.function)

    const message = handler('Message', {
      entry: 'lambda/default.ts',
      description: '$default: one client message in, frames out',
      timeout: Duration.seconds(29),
      memorySize: 1024,
      environment: { ...publishing, ...lease, tasksTable: tasks.table.tableName },
    })
    letPublish(message)
    connections.grantSubscribe(message.function)
    log.grantAppendOnce(message.function)
    tasks.grantFind(message.function)

    const disconnect = handler('Disconnect', {
      entry: 'lambda/disconnect.ts',
      description: '$disconnect: forgets the connection',
      environment: variables,
    })
    connections.grantForget(disconnect.function)
    socket.addRoutes({
      connect: connect.function,
      default: message.function,
      disconnect: disconnect.function,
    })

    const taskStream = handler('TaskStream', {
      entry: 'lambda/task-stream.ts',
      description: "Publishes what the Tasks table's stream tells",
      timeout: Duration.minutes(2),
      memorySize: 1024,
      environment: publishing,
    })
    letPublish(taskStream)

    const taskGap = handler('TaskGap', {
      entry: 'lambda/task-gap.ts',
      description: "Tells viewers of a loss where the stream's records were given up",
      timeout: Duration.minutes(1),
      memorySize: 1024,
      environment: publishing,
    })
    letPublish(taskGap)
    new TaskStream(this, 'TaskStreamSource', { table: tasks.table, handler: taskStream, gap: taskGap })

    if (config.idleTimeout) {
      const sweep = handler('Sweep', {
        entry: 'lambda/sweep.ts',
        description: 'Closes quiet connections and forgets ghosts',
        timeout: Duration.minutes(5),
        environment: {
          ...variables,
          callbackUrl: socket.callbackUrl,
          idleTimeoutSeconds: String(config.idleTimeout.toSeconds()),
        },
      })
      connections.grantScan(sweep.function)
      connections.grantForget(sweep.function)
      socket.grantManageConnections(sweep.function, 'GET', 'DELETE')
      new Sweep(this, 'SweepSchedule', { handler: sweep })
    }

    Annotations.of(this).addWarningV2('openline:open-access', OPEN_ACCESS)
    new CfnOutput(this, 'Access', { value: OPEN_ACCESS })
    new CfnOutput(this, 'WebSocketUrl', { value: socket.url })
    new CfnOutput(this, 'RestUrl', { value: tasks.url })
    new CfnOutput(this, 'TryEcho', { value: `npx wscat -c '${socket.url}?channel=echo'` })
    new CfnOutput(this, 'TryTasks', {
      value: `curl ${tasks.url}/tasks -H 'content-type: application/json' -d '{"title":"Ship it"}'`,
    })
  }
}
