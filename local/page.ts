import { existsSync, readFileSync, statSync } from 'node:fs'
import { type Server, type ServerResponse, createServer } from 'node:http'
import { extname, join, normalize, resolve, sep } from 'node:path'
import { build } from 'esbuild'
import { listen } from './listen.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
}

/** Loads a page again when the server says so, and when the server is there again. */
const RELOADING = `<script type="module">
  let wasOpen = false
  const source = new EventSource('/reload')
  source.onopen = () => (wasOpen ? location.reload() : (wasOpen = true))
  source.onmessage = () => location.reload()
</script>
`

/** Serves a folder: TypeScript is bundled when its `.js` is asked for, and `/outputs.json` says where the APIs are. */
export class PageServer {
  readonly #server: Server
  readonly #readers = new Set<ServerResponse>()
  /** Files that pages were made of. */
  readonly #files = new Set<string>()
  /** What `/outputs.json` answers. */
  outputs: unknown = {}

  /** @param reloads whether pages load again when `changed` is called with what they were made of */
  constructor(folder: string | undefined, reloads = false) {
    this.#server = createServer((request, response) => {
      const path = pathOf(request.url ?? '/')
      response.setHeader('cache-control', 'no-store')
      if (request.method !== 'GET' && request.method !== 'HEAD')
        answer(response, 405, 'text/plain', 'GET only\n')
      else if (path === '/outputs.json')
        answer(response, 200, 'application/json', JSON.stringify(this.outputs, null, 2))
      else if (reloads && path === '/reload') this.#listen(response)
      else if (folder === undefined)
        answer(response, 200, 'application/json', JSON.stringify(this.outputs, null, 2))
      else
        this.#serve(folder, path, response, reloads).catch((error: unknown) => {
          answer(response, 500, 'text/plain; charset=utf-8', `${String(error)}\n`)
        })
    })
  }

  /** @returns the port @throws the socket's error, such as EADDRINUSE */
  listen(port: number): Promise<number> {
    return listen(this.#server, port)
  }

  /** Has pages load again that were made of one of these files. */
  changed(files: readonly string[]): void {
    if (!files.some((file) => this.#files.has(file))) return
    for (const reader of this.#readers) reader.write('data: changed\n\n')
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  /** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
  #listen(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    this.#readers.add(response)
    response.on('close', () => this.#readers.delete(response))
  }

  async #serve(folder: string, path: string, response: ServerResponse, reloads: boolean): Promise<void> {
    const file = normalize(join(folder, path.endsWith('/') ? `${path}index.html` : path))
    if (!file.startsWith(folder + sep)) {
      answer(response, 403, 'text/plain', 'outside the page\n')
      return
    }
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    if (existsSync(file) && statSync(file).isFile()) {
      this.#files.add(file)
      const content = readFileSync(file)
      const isPage = reloads && extname(file) === '.html'
      answer(response, 200, type, isPage ? Buffer.concat([content, Buffer.from(RELOADING)]) : content)
      return
    }
    const source = file.replace(/\.js$/, '.ts')
    if (file.endsWith('.js') && existsSync(source)) {
      this.#files.add(source)
      const { code, inputs } = await bundle(source)
      for (const input of inputs) this.#files.add(input)
      answer(response, 200, type, code)
      return
    }
    answer(response, 404, 'text/plain', 'not found\n')
  }
}

function pathOf(url: string): string {
  try {
    return decodeURIComponent(url.split('?')[0] ?? '/')
  } catch {
    return '/%' // half an escape: no file is named so
  }
}

async function bundle(source: string): Promise<{ code: Uint8Array; inputs: string[] }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [source],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    sourcemap: 'inline',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  const inputs = Object.keys(metafile.inputs).map((input) => resolve(input))
  return { code: outputFiles[0]?.contents ?? new Uint8Array(), inputs }
}

function answer(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  response.writeHead(status, { 'content-type': type })
  response.end(body)
}
