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
  redirectPlain(hosts, onAnswer)
  syncBuiltinESMExports()
}

type Connect = (this: net.Socket, ...args: unknown[]) => net.Socket

/** Likewise for connections without TLS: `http://` and bare sockets all end in `connect` of a socket. */
function redirectPlain(hosts: HostTable, onAnswer: () => void): void {
  const prototype = net.Socket.prototype as unknown as { connect: Connect }
  const { connect } = prototype
  prototype.connect = function (...args) {
    // Within Node the arguments come as one list, which it knows by a mark that a copy would lose.
    const list = Array.isArray(args[0]) ? (args[0] as unknown[]) : args
    const [first, second] = list
    const named = typeof first === 'object' && first !== null ? (first as Target) : undefined
    const host = named ? named.host : typeof second === 'string' ? second : undefined
    const port = host === undefined ? undefined : portOf(hosts, host)
    if (host === undefined || (port === undefined && !AWS_HOST.test(host))) return connect.apply(this, args)
    if (port === undefined) {
      process.nextTick(() => this.destroy(notEmulated(host, hosts)))
      return this
    }
    this.prependListener('data', onAnswer)
    if (named) list[0] = { ...named, host: '127.0.0.1', port }
    else list.splice(0, 2, port, '127.0.0.1')
    return connect.apply(this, args)
  }
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
  process.nextTick(() => socket.destroy(notEmulated(host, hosts)))
  return socket
}

function notEmulated(host: string, hosts: HostTable): Error {
  const message = `"${host}" is not emulated by the local stack; emulated are ${Object.keys(hosts).join(', ')}`
  // A code of its own: one of Node's would be retried as if the network were to blame.
  return Object.assign(new Error(message), { name: 'NotEmulatedError', code: 'ERR_NOT_EMULATED' })
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
