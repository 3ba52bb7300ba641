// The command line: runs a CDK app on this machine until it is told to stop.
import inspector from 'node:inspector'
import { createWriteStream, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { PortTakenError } from './api-gateway/apis.ts'
import { isAssembly } from './cloudformation/assembly.ts'
import { outputOf } from './cloudformation/synthesize.ts'
import { Synthesizer } from './cloudformation/synthesizer.ts'
import { DEVELOPER } from './iam/credentials.ts'
import { type FunctionOutput, outputText } from './lambda/output.ts'
import { faultsHelp } from './fault-kinds.ts'
import { lockFolder } from './lock-file.ts'
import type { Log } from './log.ts'
import { type Options, UsageError, parseOptions } from './options.ts'
import { PageServer } from './page.ts'
import { type RunningStack, startStack } from './stack.ts'
import { screen } from './screen.ts'
import { USAGE } from './usage.ts'
import { startWatching } from './watch/start-watching.ts'
import { watchParent } from './watch-parent.ts'

async function run(options: Options): Promise<void> {
  const { app, port, state, web, iam, context, data, inspect, selection, given, faults, latency } = options
  // Before the first thread starts, so that a debugger sees them all.
  if (inspect !== undefined) inspector.open(inspect, '127.0.0.1')
  const unlock = lockFolder(state, '--state')
  const logFile = join(state, 'local.log')
  const { log, output, endLog } = openLog(logFile)
  const outputsFile = join(state, 'outputs.json')
  rmSync(outputsFile, { force: true }) // left by a stack that was killed: it says where nothing is any more
  const page = new PageServer(web, options.watch)
  let stack: RunningStack | undefined
  let stopWatching: (() => Promise<void>) | undefined
  let isStopping = false

  const stop = async (): Promise<void> => {
    if (isStopping) process.exit(130) // asked twice: at once
    isStopping = true
    rmSync(outputsFile, { force: true })
    unlock()
    await page.close()
    await stopWatching?.()
    await stack?.close()
    await endLog()
    process.exit(0)
  }
  process.on('SIGINT', () => void stop())
  process.on('SIGTERM', () => void stop())
  process.on('SIGHUP', () => void stop())
  watchParent(() => void stop())

  try {
    const pagePort = await listenForPage(page, port)
    const assembly = isAssembly(app) ? app : join(state, 'cdk.out')
    const project = assembly === app ? undefined : app
    const synthesizer =
      project === undefined ? undefined : new Synthesizer({ project, output: assembly, context })
    await synthesizer?.run()
    stack = await startStack({
      assembly,
      firstPort: port === 0 ? 0 : pagePort + 1,
      log,
      output,
      iam,
      selection,
      given,
      quotas: options.quotas,
      lossNotice: options.lossNotice,
      isStrict: options.isStrict,
      ...(data === undefined ? {} : { data }),
      ...(faults ? { faults } : {}),
      ...(latency ? { latency } : {}),
    })
    const pageUrl = `http://localhost:${pagePort}`
    const running = stack
    const publish = () => {
      page.outputs = outputsOf(running, pageUrl)
      writeFileSync(`${outputsFile}.new`, `${JSON.stringify(page.outputs, null, 2)}\n`)
      renameSync(`${outputsFile}.new`, outputsFile)
    }
    publish()
    const fromHere = (file: string) => relative(process.cwd(), file)
    process.stdout.write(
      screen(stack, { page: pageUrl, logFile: fromHere(logFile), outputsFile: fromHere(outputsFile), iam }),
    )
    if (faults) process.stdout.write(`  Faults strike; --seed ${faults.seed} makes them strike so again.\n\n`)
    if (options.watch)
      stopWatching = await startWatching({
        stack,
        assembly,
        ...(project !== undefined && synthesizer ? { source: { project, synthesizer } } : {}),
        except: [
          state,
          ...(data === undefined ? [] : [data]),
          ...(project === undefined ? [] : [outputOf(project)]),
        ],
        say: (text) => {
          log.info('watch', text)
          process.stdout.write(`${text}\n`)
        },
        onUpdate: publish,
        onChange: (files) => {
          page.changed(files)
          return web !== undefined && files.every((file) => file.startsWith(web + sep))
        },
      })
  } catch (error) {
    unlock()
    await page.close()
    await stack?.close()
    throw error
  }
}

/** Where everything is, for pages and programs. */
const outputsOf = (stack: RunningStack, page: string) => ({
  page,
  apis: stack.apis,
  dynamodb: stack.dynamodb.engine.endpoint,
  tables: { ...stack.namesOf('AWS::DynamoDB::Table'), ...stack.namesOf('AWS::DynamoDB::GlobalTable') },
  functions: stack.namesOf('AWS::Lambda::Function'),
  region: stack.deployment.environment.region,
  credentials: DEVELOPER,
  outputs: stack.outputs,
})

async function listenForPage(page: PageServer, port: number): Promise<number> {
  try {
    return await page.listen(port)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new PortTakenError(port, 'the page', error)
  }
}

/** Everything goes to the file; what the developer should see now goes to the screen too. */
function openLog(file: string): {
  log: Log
  output: (said: FunctionOutput) => void
  endLog: () => Promise<void>
} {
  const stream = createWriteStream(file)
  const write = (level: string, source: string, text: string) => {
    stream.write(`${new Date().toISOString()} ${level} ${source}: ${text}\n`)
  }
  const show = (level: string, source: string, text: string) => {
    write(level, source, text)
    process.stderr.write(`${source}: ${text}\n`)
  }
  return {
    log: {
      info: (source, text) => write('info', source, text),
      warn: (source, text) => show('warn', source, text),
      error: (source, text) => show('error', source, text),
    },
    output: (said) => void process.stdout.write(outputText(said)),
    endLog: () => new Promise((resolve) => stream.end(resolve)),
  }
}

try {
  const options = parseOptions(process.argv.slice(2))
  if (options === 'help') process.stdout.write(USAGE)
  else if (options === 'faults-help') process.stdout.write(faultsHelp())
  else await run(options)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(error instanceof UsageError ? 2 : 1)
}
