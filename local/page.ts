import { existsSync, readFileSync, statSync } from 'node:fs'
import { type Server, type ServerResponse, createServer } from 'node:http'
import { extname, join, normalize, sep } from 'node:path'
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

/** Serves a folder: TypeScript is bundled when its `.js` is asked for, and `/outputs.json` says where the APIs are. */
export class PageServer {
  readonly #server: Server
  /** What `/outputs.json` answers. */
  outputs: unknown = {}

  constructor(folder: string | undefined) {
    this.#server = createServer((request, response) => {
      const path = pathOf(request.url ?? '/')
      response.setHeader('cache-control', 'no-store')
      if (request.method !== 'GET' && request.method !== 'HEAD')
        answer(response, 405, 'text/plain', 'GET only\n')
      else if (path === '/outputs.json')
        answer(response, 200, 'application/json', JSON.stringify(this.outputs, null, 2))
      else if (folder === undefined)
        answer(response, 200, 'application/json', JSON.stringify(this.outputs, null, 2))
      else
        serve(folder, path, response).catch((error: unknown) => {
          answer(response, 500, 'text/plain; charset=utf-8', `${String(error)}\n`)
        })
    })
  }

  /** @returns the port @throws the socket's error, such as EADDRINUSE */
  listen(port: number): Promise<number> {
    return listen(this.#server, port)
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }
}

function pathOf(url: string): string {
  try {
    return decodeURIComponent(url.split('?')[0] ?? '/')
  } catch {
    return '/%' // half an escape: no file is named so
  }
}

async function serve(folder: string, path: string, response: ServerResponse): Promise<void> {
  const file = normalize(join(folder, path.endsWith('/') ? `${path}index.html` : path))
  if (!file.startsWith(folder + sep)) {
    answer(response, 403, 'text/plain', 'outside the page\n')
    return
  }
  const type = TYPES[extname(file)] ?? 'application/octet-stream'
  if (existsSync(file) && statSync(file).isFile()) {
    answer(response, 200, type, readFileSync(file))
    return
  }
  const source = file.replace(/\.js$/, '.ts')
  if (file.endsWith('.js') && existsSync(source)) {
    answer(response, 200, type, await bundle(source))
    return
  }
  answer(response, 404, 'text/plain', 'not found\n')
}

async function bundle(source: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [source],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    sourcemap: 'inline',
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0]?.contents ?? new Uint8Array()
}

function answer(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  response.writeHead(status, { 'content-type': type })
  response.end(body)
}
