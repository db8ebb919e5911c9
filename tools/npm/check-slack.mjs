// Holds Honk's side of Slack to Slack's own published software. Reads JSON
// objects, one on a line, and prints as the mode says:
//
//	verify  {"secret","headers","body"}: whether Bolt's receiver, which really
//	        listens, takes the request: {"ok":true,"status":200} a line
//	sign    {"secret","body","timestamp","type"}: the request as Slack would
//	        sign it, which Bolt has accepted first: {"headers","body"} a line
//	types   {"kind","method","value"}: one line for each violation of the types
//	        of @slack/types, @slack/web-api and @slack/bolt. The kinds are
//	        postMessage, update, view, home, event (with or without its
//	        envelope), block_actions, view_submission, view_closed,
//	        message_action, slash_command, request and answer of a method
import crypto from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const here = path.dirname(fileURLToPath(import.meta.url))
const print = (value) => process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`)

async function verify(lines) {
  const { HTTPReceiver, LogLevel } = require('@slack/bolt')
  const receivers = new Map()
  for (const { secret, headers, body } of lines) {
    if (!receivers.has(secret)) {
      const receiver = new HTTPReceiver({ signingSecret: secret, endpoints: ['/'], logLevel: LogLevel.ERROR })
      for (const level of ['debug', 'info', 'warn', 'error']) receiver.logger[level] = () => {}
      receiver.init({ processEvent: async (event) => event.ack() })
      receivers.set(secret, { receiver, server: await receiver.start({ host: '127.0.0.1', port: 0 }) })
    }
    const { port } = receivers.get(secret).server.address()
    const status = await post(port, headers, body)
    print({ ok: status === 200, status })
  }
  for (const { receiver } of receivers.values()) await receiver.stop()
}

function post(port, headers, body) {
  return new Promise((resolve, reject) => {
    const all = { ...headers, connection: 'close', 'content-length': Buffer.byteLength(body) }
    const req = http.request({ host: '127.0.0.1', port, method: 'POST', path: '/', headers: all }, (res) => {
      res.resume()
      res.on('end', () => resolve(res.statusCode))
    })
    req.on('error', reject)
    req.end(body)
  })
}

function sign(lines) {
  const { verifySlackRequest } = require('@slack/bolt')
  for (const { secret, body, timestamp, type } of lines) {
    const mac = crypto.createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')
    const headers = {
      'content-type': type ?? 'application/json',
      'x-slack-request-timestamp': String(timestamp),
      'x-slack-signature': `v0=${mac}`,
    }
    verifySlackRequest({ signingSecret: secret, body, nowMilliseconds: timestamp * 1000, headers })
    print({ headers, body })
  }
}

// Slack sends more than the types of what it sends say, such as client_msg_id;
// those of its answers know no null, and name texts by enums.
const helpers = `
type Open<T> = T extends (infer U)[] ? Open<U>[]
  : T extends object ? { [K in keyof T]: Open<T[K]> } & { [other: string]: unknown } : T
type Loose<T> = T extends string ? string : T extends number ? number : T extends boolean ? boolean
  : T extends (infer U)[] ? Loose<U>[] : T extends object ? { [K in keyof T]: Loose<T[K]> | null } : T
`

function camel(method) {
  return method.split('.').map((part) => part[0].toUpperCase() + part.slice(1)).join('')
}

// The types that a value must have, each with the part it is about.
function types({ kind, method, value }) {
  const known = (blocks) => (blocks === undefined ? [] : [['types.KnownBlock[]', blocks]])
  switch (kind) {
    case 'postMessage':
      return [['web.ChatPostMessageArguments', value], ...known(value.blocks)]
    case 'update':
      return [['web.ChatUpdateArguments', value], ...known(value.blocks)]
    case 'view':
      return [['types.ModalView', value], ...known(value.blocks)]
    case 'home':
      return [['types.HomeView', value], ...known(value.blocks)]
    case 'request':
      return [[`web.${camel(method)}Arguments`, value], ...known(value.blocks), ...known(value.view?.blocks)]
    case 'answer': {
      // The types of answers know no text in a context block.
      const { rest, blocks } = unblocked(value)
      return [[`Open<Loose<web.${camel(method)}Response>>`, rest], ...blocks.flatMap(known)]
    }
    case 'event': {
      const event = value.type === 'event_callback' ? value.event : value
      const name = `Open<Extract<types.SlackEvent, { type: ${JSON.stringify(event.type)} }>>`
      const envelope = value === event ? [] : [['bolt.EnvelopedEvent', { ...bare(value), event: { type: event.type } }]]
      // Of files the types want what only images have.
      const { files, ...rest } = event
      return [[name, rest], ...known(event.blocks), ...envelope]
    }
    case 'block_actions':
      // Only what comes from a message has a response_url.
      return [[`Open<${value.view ? "Omit<bolt.BlockAction, 'response_url'>" : 'bolt.BlockAction'}>`, bare(value)]]
    case 'view_submission':
      return [['Open<bolt.ViewSubmitAction>', bare(value)]]
    case 'view_closed':
      return [['Open<bolt.ViewClosedAction>', bare(value)]]
    case 'message_action':
      return [['Open<bolt.MessageShortcut>', bare(value)]]
    case 'slash_command':
      return [['bolt.SlashCommand', value]]
    default:
      return [['never', value]]
  }
}

// A value without its blocks, and those.
function unblocked(value) {
  const blocks = []
  const rest = JSON.parse(JSON.stringify(value), (key, one) => {
    if (key !== 'blocks' || !Array.isArray(one)) return one
    blocks.push(one)
    return undefined
  })
  return { rest, blocks }
}

// An envelope without what is null, which its types call absent.
function bare(value) {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null))
}

function check(lines) {
  const ts = require('typescript')
  const files = new Map()
  lines.forEach((line, n) => {
    types(line).forEach(([type, value], part) => {
      const text = `import * as types from '@slack/types'
import * as web from '@slack/web-api'
import * as bolt from '@slack/bolt'
${helpers}
export const value: ${type} = ${JSON.stringify(value)}
`
      const name = `${line.kind}${line.method ? ` ${line.method}` : ''}${line.value?.event ? ` ${line.value.event.type}` : ''}`
      files.set(path.join(here, `evidence-${n}-${part}.ts`), { text, name })
    })
  })
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, types: ['node'],
    module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16,
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (file) => files.has(file) || fileExists(file)
  host.readFile = (file) => files.get(file)?.text ?? readFile(file)
  host.getSourceFile = (file, version) =>
    files.has(file) ? ts.createSourceFile(file, files.get(file).text, version) : getSourceFile(file, version)
  const program = ts.createProgram([...files.keys()], options, host)
  for (const [file, { name }] of files) {
    const source = program.getSourceFile(file)
    for (const one of [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]) {
      print(`${name}: ${deepest(one.messageText)}`)
    }
  }
}

// The first and the last part of a long explanation say most.
function deepest(message) {
  if (typeof message === 'string') return message
  const parts = []
  for (let at = message; at; at = at.next?.[0]) parts.push(at.messageText)
  return (parts.length > 3 ? [parts[0], ...parts.slice(-2)] : parts).join(' / ').slice(0, 1000)
}

const mode = process.argv[2]
const lines = fs.readFileSync(0, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
if (mode === 'verify') await verify(lines)
else if (mode === 'sign') sign(lines)
else if (mode === 'types') check(lines)
else throw new Error('the modes are verify, sign and types')
