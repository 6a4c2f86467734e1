import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createRedactor } from '../../../src/redaction/redactor.ts';

const plain = createRedactor([]);

const secret = 'canaries';
const attributes = (list: readonly (readonly [string, string])[]): string => list.map(([name, value]) => `${name}="${value}"`).join(' ');

/** Ways to write fields of one element or object. */
const ways: Readonly<Record<string, (fields: readonly (readonly [string, string])[]) => string>> = {
  attributes: (fields) => `<add ${attributes(fields)}/>`,
  'attributes in single quotes': (fields) => `<add ${attributes(fields).replaceAll('"', "'")}/>`,
  'attributes in lines': (fields) => `<add\n  ${attributes(fields).replaceAll('" ', '"\n  ')}\n/>`,
  'attributes with blanks': (fields) => `<add ${attributes(fields).replaceAll('=', ' = ')} />`,
  'attributes without quotes': (fields) => `<add ${attributes(fields).replaceAll('"', '')} />`,
  'attributes in JSON': (fields) => JSON.stringify({ file: `<add ${attributes(fields)}/>` }),
  'attributes in XML': (fields) => `&lt;add ${attributes(fields).replaceAll('"', '&quot;')}/&gt;`,
  JSON: (fields) => JSON.stringify([Object.fromEntries(fields)]),
  'JSON in lines': (fields) => JSON.stringify([Object.fromEntries(fields)], undefined, 2),
  'JSON in JSON': (fields) => JSON.stringify({ file: JSON.stringify([Object.fromEntries(fields)]) }),
  YAML: (fields) => `env:\n  - ${fields.map(([name, value]) => `${name}: ${value}`).join('\n    ')}\n`,
  'pairs with commas': (fields) => fields.map(([name, value]) => `${name}=${value}`).join(','),
};
/** The fields of a name and of its value. */
const pairs = [
  ['key', 'value'],
  ['name', 'value'],
  ['Name', 'Value'],
  ['ParameterKey', 'ParameterValue'],
  ['id', 'defaultValue'],
  ['variable', 'content'],
] as const;
const others = [
  [],
  [['type', 'text']],
  [
    ['scope', 'all'],
    ['enabled', 'true'],
    ['note', 'x'],
  ],
] as const;
const names = ['password', 'ApiKey', 'db.password', 'NOTES_TOKEN', 'seed', 'Notes-Api-Key'];
const innocent = ['port', 'layout', 'LOG_LEVEL', 'max_tokens', 'key-file', 'author'];

/** Every way to write a name and a value. */
function* written(name: string, value: string): Generator<string> {
  for (const way of Object.values(ways)) {
    for (const [naming, named] of pairs) {
      for (const between of others) {
        const fields = [[naming, name], ...between, [named, value]] as const;
        yield way(fields);
        yield way([...fields].reverse());
      }
    }
  }
}

/** Texts of elements. */
const elements: readonly ((name: string, value: string) => string)[] = [
  (name, value) => `<setting name="${name}">${value}</setting>`,
  (name, value) => `<entry key='${name}'>${value}</entry>`,
  (name, value) => `<setting name="${name}" serializeAs="String"><value>${value}</value></setting>`,
  (name, value) => `<setting name="${name}">\n  <value>\n    ${value}\n  </value>\n</setting>`,
  (name, value) => `<property><name>${name}</name><value>${value}</value></property>`,
  (name, value) => `<init-param>\n  <param-name>${name}</param-name>\n  <param-value>${value}</param-value>\n</init-param>`,
  (name, value) => `<dict><key>${name}</key><string>${value}</string></dict>`,
  (name, value) => `<${name}>${value}</${name}>`,
  (name, value) => `<${name} encrypted="no">${value}</${name}>`,
  (name, value) => `<${name}>\n  ${value}\n</${name}>`,
  (name, value) => `<${name}><![CDATA[${value}<>]]></${name}>`,
];

describe('A value beside the name of a secret', () => {
  it('is hidden in every order and way of writing, in a text and in arguments', () => {
    const texts = names.flatMap((name) => [...written(name, secret)]);
    ok(texts.length > 2_500, `${texts.length}`);
    const leaks = texts.filter((text) => {
      const line = plain.text(`server --config ${text} --port 1`);
      equal(plain.text(line), line, 'redacting twice changes nothing');
      return [line, ...plain.args(['--config', text], 'server')].some((shown) => shown.includes(secret));
    });
    deepEqual(leaks, []);
  });

  it('is shown beside other names', () => {
    for (const text of innocent.flatMap((name) => [...written(name, secret)])) {
      ok(plain.text(text).includes(secret), `${text} → ${plain.text(text)}`);
    }
  });

  it('is shown where the name belongs to another element or object', () => {
    for (const text of [
      '<a name="token"/><b value="canaries"/>',
      '[{"name":"token"},{"value":"canaries"}]',
      '{"name":"token","x":{"value":"canaries"}}',
      '--name=token --value=canaries',
      'name: token. The value: canaries',
    ]) {
      equal(plain.text(text), text);
    }
  });
});

describe('The text of an element', () => {
  it('is hidden where the element, an attribute or an element beside it names a secret', () => {
    for (const make of elements) {
      for (const name of ['password', 'ApiKey', 'NOTES_TOKEN', 'db.password']) {
        const text = make(name, secret);
        ok(!plain.text(`server --config ${text} --port 1`).includes(secret), `${text} → ${plain.text(text)}`);
      }
    }
  });

  it('is shown elsewhere', () => {
    for (const make of elements) {
      for (const name of innocent) {
        const text = make(name, secret).replace(/key(?==')/, 'id');
        ok(plain.text(text).includes(secret), `${text} → ${plain.text(text)}`);
      }
    }
    for (const text of ['usage: server <token> [--port <port>] </dev/null', '<keygen name="token"/>canaries</p>']) {
      equal(plain.text(text), text);
    }
  });
});
