import { isOpen } from './looseSecrets.ts';
import { hidesValue, redacted } from './secretShapes.ts';

/** `key="password"`, `"value": "S"`, `name: token`, also with the quotes escaped as in JSON or XML, or without quotes. */
const field =
  /(?<![\w.-])(\\{0,3}["']|&(?:quot|apos|#34|#39);|)([A-Za-z_][\w.:-]{0,60})\1(\s{0,3}[:=]\s{0,3})(?:(\\{0,3}["']|&(?:quot|apos|#34|#39);)((?:\\{3}.|(?!\4)(?:\\.|[^\\])){0,4096}?)\4|([^\s"'<>,;{}[\]&\\]{1,4096}))/g;
/** Between two fields of one element or object. */
const between = /^(?:[\s,;]|\\[nrt]){1,200}$/;
/** A field that names another one: `name`, `key`, `ParameterKey`, `param-name`. */
const namingField = /(?:name|key|id|type|variable|setting|header|option|property|parameter|field)$/i;
/** The field that it names. */
const namedField = /(?:value|val|content|data|text|default)$/i;
/** The text of an element, also in a child of it (`<setting name="x"><value>S</value></setting>`). The text of CDATA may hold a `<`. */
const element =
  /(<([A-Za-z][\w.:-]{0,60})((?:\s[^<>]{0,1000})?)>\s{0,20}(?:<[\w.:-]{0,60}(?:value|string|data|text)>\s{0,20})?)(?:(<!\[CDATA\[)((?:(?!\]\]>)[\s\S]){1,4096})(?=\]\]>)|([^<]{1,4096})(?=<\/))/gi;
/** `<name>password</name><value>S</value>`, `<key>password</key><string>S</string>`. */
const namedElement =
  /(<([\w.:-]{0,60}(?:name|key))>\s{0,20}([^<>\s]{1,100})\s{0,20}<\/\2>(?:\s|\\[nrt]){0,100}<[A-Za-z][\w.:-]{0,60}>\s{0,20}(?:<!\[CDATA\[)?)([^<\]]{1,4096})(?=<\/|\]\]>)/gi;

/**
 * Redacts values whose name stands in a field beside them: `{"name":"API_KEY","value":"S"}`, `<add key="password" value="S"/>`, `- name: TOKEN` over `value: S`, in
 * any order and with other fields between; and the texts of elements with a secret's name. The work grows with the text.
 */
export function redactFields(text: string): string {
  const shown = /val|content|data|text|default/i.test(text) ? redactNamed(text) : text;
  return shown.includes('</') || shown.includes(']]>')
    ? shown
        .replace(namedElement, (all, before: string, _tag: string, name: string, value: string) =>
          namesSecret(name, value) && isOpen(value) ? `${before}${redacted}` : all,
        )
        .replace(element, (all, before: string, tag: string, attributes: string, cdata = '', raw = '', plain = '') =>
          !attributes.endsWith('/') && isOpen(raw + plain) && (hidesValue(tag, raw + plain) || hasName(attributes, raw + plain))
            ? `${before}${cdata}${redacted}`
            : all,
        )
    : shown;
}

/** JSON in JSON in JSON. */
const deepest = 3;

interface Group {
  isSecret: boolean;
  /** Where the values of the group stand. */
  readonly values: { readonly from: number; readonly to: number }[];
}

/** Replaces the values of fields beside a name, in each run of fields that only blanks and commas divide. */
function redactNamed(text: string): string {
  const hidden = groupsIn(text, 0)
    .flatMap(({ isSecret, values }) => (isSecret ? values : []))
    .sort((a, b) => a.from - b.from);
  let shown = '';
  let kept = 0;
  for (const { from, to } of hidden) {
    shown += text.slice(kept, from) + redacted;
    kept = to;
  }
  return shown + text.slice(kept);
}

/** The runs of fields of a text and of the texts in its fields. */
function groupsIn(text: string, depth: number, offset = 0): Group[] {
  const groups: Group[] = [];
  let group: Group | undefined;
  let last = -1;
  for (const found of text.matchAll(field)) {
    const [all, , name = '', , open = '', quoted, bare] = found;
    const value = quoted ?? bare ?? '';
    if (!group || !between.test(text.slice(last, Math.min(found.index, last + 201)))) {
      group = { isSecret: false, values: [] };
      groups.push(group);
    }
    last = found.index + all.length;
    const to = last - (quoted === undefined ? 0 : open.length);
    const from = to - value.length;
    if (namedField.test(name) && isOpen(value)) {
      group.values.push({ from: offset + from, to: offset + to });
    } else if (namingField.test(name) && namesSecret(value, 'value')) {
      group.isSecret = true;
    } else if (depth < deepest && /["'=:]/.test(value)) {
      // A text with fields of its own: JSON or XML in JSON.
      groups.push(...groupsIn(value, depth + 1, offset + from));
    }
  }
  return groups;
}

function hasName(attributes: string, value: string): boolean {
  return [...attributes.matchAll(field)].some(
    ([, , name = '', , , quoted, bare]) => namingField.test(name) && namesSecret(quoted ?? bare ?? '', value),
  );
}

function namesSecret(name: string, value: string): boolean {
  return /^[\w.:@/-]{1,100}$/.test(name) && hidesValue(name, value);
}
