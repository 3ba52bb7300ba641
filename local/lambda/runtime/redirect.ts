import net from 'node:net'
import { syncBuiltinESMExports } from 'node:module'
import tls from 'node:tls'
import { type HostTable, portOf } from '../../hosts.ts'

/** Hosts of AWS, which are either served here or nowhere. */
const AWS_HOST = /\.(amazonaws\.com(\.cn)?|api\.aws)$/

/**
 * Sends TLS connections to the hosts of the table to the loopback interface, whatever opens them: https, http2, undici
 * and fetch all end in `tls.connect`. What comes back is a plain socket dressed as one of TLS: on loopback there is
 * nothing to hide, and handshakes would cost more than all the rest. A host of AWS that is not in the table fails at
 * once and says why; every other host is left alone.
 * @param onAnswer is told when something comes back, before anybody else sees it
 */
export function redirectConnections(hosts: HostTable, onAnswer: () => void = () => undefined): void {
  const connect = tls.connect.bind(tls) as (...args: unknown[]) => tls.TLSSocket
  const redirected = (...args: unknown[]): tls.TLSSocket => {
    const { options, callback } = parseArguments(args)
    const host = options.servername ?? options.host ?? 'localhost'
    const port = portOf(hosts, host)
    if (port === undefined && !AWS_HOST.test(host)) return connect(...args)
    const socket =
      port === undefined ? refused(host, hosts) : net.connect({ host: '127.0.0.1', port, noDelay: true })
    // Prepended, which does not set the socket flowing.
    socket.prependListener('data', onAnswer)
    return dress(socket, callback)
  }
  tls.connect = redirected
  syncBuiltinESMExports()
}

interface Target {
  readonly host?: string
  readonly servername?: string
}

/** `connect(options)`, `connect(port, host, options)`, `connect(port, options)`, each with a callback at its end. */
function parseArguments(args: readonly unknown[]): { options: Target; callback: (() => void) | undefined } {
  const callback = args.find((arg) => typeof arg === 'function') as (() => void) | undefined
  const named = (args.find((arg) => typeof arg === 'object' && arg !== null) ?? {}) as Target
  const [first, second] = args
  const host = typeof first === 'number' && typeof second === 'string' ? { host: second } : {}
  const { servername, host: namedHost } = { ...host, ...named }
  return {
    options: {
      ...(servername ? { servername } : {}),
      ...(namedHost === undefined ? {} : { host: namedHost }),
    },
    callback,
  }
}

function refused(host: string, hosts: HostTable): net.Socket {
  const socket = new net.Socket()
  const message = `"${host}" is not emulated by the local stack; emulated are ${Object.keys(hosts).join(', ')}`
  // A code of its own: one of Node's would be retried as if the network were to blame.
  const error = Object.assign(new Error(message), { name: 'NotEmulatedError', code: 'ERR_NOT_EMULATED' })
  process.nextTick(() => socket.destroy(error))
  return socket
}

function dress(socket: net.Socket, callback: (() => void) | undefined): tls.TLSSocket {
  const dressed = Object.assign(socket, {
    encrypted: true,
    authorized: true,
    authorizationError: null,
    alpnProtocol: false,
    servername: undefined,
    getPeerCertificate: () => ({}),
    getCipher: () => ({
      name: 'TLS_AES_128_GCM_SHA256',
      standardName: 'TLS_AES_128_GCM_SHA256',
      version: 'TLSv1.3',
    }),
    getProtocol: () => 'TLSv1.3',
    getSession: () => undefined,
    isSessionReused: () => false,
    setServername: () => undefined,
    setSession: () => undefined,
    setMaxSendFragment: () => true,
    disableRenegotiation: () => undefined,
  })
  dressed.once('connect', () => dressed.emit('secureConnect'))
  if (callback) dressed.once('secureConnect', callback)
  return dressed as unknown as tls.TLSSocket
}
