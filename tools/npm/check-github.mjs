// Holds requests to GitHub, their answers and webhooks against what GitHub
// publishes about them. Reads JSON objects, one on a line, and prints one line
// for each violation:
//
//	{"kind":"request","method":"GET","path":"/app","query":"","body":"","status":200,"answer":"{}"}
//	{"kind":"webhook","event":"issue_comment","action":"created","payload":{}}
import fs from 'node:fs'
import { createRequire } from 'node:module'
import Ajv from 'ajv'
import formats from 'ajv-formats'

const require = createRequire(import.meta.url)
const load = (name) => JSON.parse(fs.readFileSync(require.resolve(name), 'utf8'))
const options = { strict: false, allErrors: true, validateSchema: false, logger: false, code: { optimize: false } }

// OpenAPI 3.0 says nullable where JSON Schema has a type of that name.
function modern(node) {
  if (Array.isArray(node)) return node.map(modern)
  if (node === null || typeof node !== 'object') return node
  const out = {}
  for (const [key, value] of Object.entries(node)) {
    if (key !== 'example' && key !== 'examples') out[key] = modern(value)
  }
  // In one place GitHub says that an account is a user and an enterprise.
  if (node.allOf?.some((one) => one.title === 'Enterprise')) {
    out.anyOf = out.allOf
    delete out.allOf
  }
  if (typeof node.nullable !== 'boolean') return out
  delete out.nullable
  if (!node.nullable) return out
  return { anyOf: [out, { type: 'null' }] }
}

class Api {
  constructor(requests) {
    const { paths, components } = load('@octokit/openapi/generated/api.github.com.json')
    this.routes = Object.keys(paths).map((path) => {
      const last = path.match(/\{(ref|path|branch)\}$/)
      const pattern = path
        .replace(/[.+*?^$()|[\]\\]/g, '\\$&')
        .replace(/\{[^}]+\}$/, last ? '(.*)' : '([^/]+)')
        .replace(/\{[^}]+\}/g, '([^/]+)')
      const methods = Object.keys(paths[path]).map((method) => method.toUpperCase())
      return { path, methods, re: new RegExp(`^${pattern}$`), params: path.split('{').length }
    })
    // The most literal path first.
    this.routes.sort((a, b) => a.params - b.params || b.path.length - a.path.length)
    // All of the description is more than is needed.
    const used = new Set(requests.map((r) => this.route(r)?.path).filter(Boolean))
    this.doc = modern({ components, paths: Object.fromEntries([...used].map((path) => [path, paths[path]])) })
    this.ajv = formats(new Ajv(options))
    this.ajv.addSchema(this.doc, 'github')
    this.compiled = new Map()
  }

  route(r) {
    return this.routes.find((one) => one.methods.includes(r.method) && one.re.test(r.path))
  }

  validate(pointer, value) {
    const ref = pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')
    if (!this.compiled.has(ref)) this.compiled.set(ref, this.ajv.compile({ $ref: `github#/${ref}` }))
    const check = this.compiled.get(ref)
    return check(value) ? [] : check.errors.slice(0, 20)
  }

  deref(node) {
    return node && node.$ref ? node.$ref.slice(2).split('/').reduce((at, key) => at[key], this.doc) : node
  }

  check(r) {
    const route = this.route(r)
    if (!route) return [`GitHub has no such operation`]
    const method = r.method.toLowerCase()
    const op = this.doc.paths[route.path][method]
    const faults = this.query(op, r)
    const at = ['paths', route.path, method]
    if (r.status < 300) faults.push(...this.body(op, at, r))
    if (r.status >= 200 && r.status < 300) faults.push(...this.answer(op, at, r))
    if (r.status >= 400) {
      const answer = parse(r.answer)
      if (!answer || typeof answer.message !== 'string') faults.push('the answer has no message')
    }
    return faults
  }

  query(op, r) {
    const params = (op.parameters ?? []).map((p) => this.deref(p)).filter((p) => p.in === 'query')
    const given = new URLSearchParams(r.query)
    const faults = []
    for (const p of params) {
      if (p.required && !given.has(p.name)) faults.push(`the query has no ${p.name}`)
      const allowed = p.schema?.enum
      if (allowed && given.has(p.name) && !allowed.includes(given.get(p.name))) {
        faults.push(`the query's ${p.name} is ${given.get(p.name)}, not one of ${allowed}`)
      }
    }
    for (const name of given.keys()) {
      if (!params.some((p) => p.name === name)) faults.push(`the query has ${name}, which GitHub does not know`)
    }
    return faults
  }

  body(op, at, r) {
    const schema = op.requestBody?.content?.['application/json']?.schema
    if (!schema) return []
    if (!r.body) return op.requestBody.required ? ['the body is missing'] : []
    const pointer = [...at, 'requestBody', 'content', 'application/json', 'schema']
    const body = parse(r.body)
    const faults = this.validate(pointer, body)
    // An answer in a thread needs nothing else, says the text beside the schema.
    const found = body?.in_reply_to ? faults.filter((e) => e.keyword !== 'required') : faults
    return found.map((e) => `body${show(e)}`)
  }

  answer(op, at, r) {
    const responses = op.responses
    if (!responses[r.status]) return [`the status is ${r.status}, not one of ${Object.keys(responses)}`]
    const found = this.deref(responses[r.status])
    if (!found.content?.['application/json']) return r.answer && r.answer !== '{}\n' ? ['the answer has a body'] : []
    const ref = responses[r.status].$ref
    const base = ref ? ref.slice(2).split('/') : [...at, 'responses', String(r.status)]
    return this.validate([...base, 'content', 'application/json', 'schema'], parse(r.answer)).map((e) => `answer${show(e)}`)
  }
}

class Webhooks {
  constructor() {
    const doc = load('@octokit/webhooks-schemas/schema.json')
    this.names = doc.definitions
    this.ajv = formats(new Ajv(options))
    this.ajv.addSchema({ definitions: doc.definitions }, 'webhooks')
  }

  check(w) {
    const name = `${w.event}$${w.action || 'event'}`
    if (!this.names[name]) return [`GitHub sends no such webhook`]
    const check = this.ajv.getSchema(`webhooks#/definitions/${encodeURIComponent(name)}`)
    return check(w.payload) ? [] : check.errors.slice(0, 20).map((e) => `payload${show(e)}`)
  }
}

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function show(e) {
  const more = e.params?.additionalProperty ? ` (${e.params.additionalProperty})` : e.params?.allowedValues ? ` (${e.params.allowedValues})` : ''
  return `${e.instancePath} ${e.message}${more}`
}

const all = fs.readFileSync(0, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
const requests = all.filter((one) => one.kind === 'request' && one.path !== '/graphql')
const api = requests.length > 0 ? new Api(requests) : undefined
const webhooks = new Webhooks()
for (const one of all) {
  if (one.path === '/graphql') continue
  const webhook = one.kind === 'webhook'
  const name = webhook ? `${one.event} ${one.action}` : `${one.method} ${one.path} ${one.status}`
  for (const fault of webhook ? webhooks.check(one) : api.check(one)) process.stdout.write(`${name}: ${fault}\n`)
}
