import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { readManifestTexts, withTexts } from '../../../scripts/system/manifestTexts.ts';
import { projectRoot } from '../../../scripts/system/projectPaths.ts';

type Manifest = Record<string, unknown>;

/** Fields of a manifest that VS Code shows. `modelDescription` and the schemas of tools are for language models, in English. */
const shownFields = new Set([
  ...['title', 'name', 'label', 'category', 'contextualTitle', 'contents', 'altText', 'displayName', 'userDescription'],
  ...['description', 'markdownDescription', 'enumItemLabels', 'enumDescriptions', 'markdownEnumDescriptions'],
  ...['deprecationMessage', 'markdownDeprecationMessage', 'patternErrorMessage', 'errorMessage', 'editPresentation'],
]);
const forModels = new Set(['inputSchema']);
/** Not translated. */
const productName = 'MCP Shepherd';

/** The texts of a manifest that a person sees, each with its path. */
function shownTexts(value: unknown, path: readonly string[] = []): [path: string, text: string][] {
  if (typeof value === 'string') {
    const field = path.findLast((name) => !/^\d+$/.test(name)) ?? '';
    // A tool's name, and the ids that `name` is elsewhere, are no texts: only views are shown by their name.
    const isShown = shownFields.has(field) && (field !== 'name' || path.includes('views'));
    return isShown ? [[path.join('.'), value]] : [];
  }
  return Object.entries(typeof value === 'object' && value !== null ? value : {}).flatMap(([name, item]) =>
    forModels.has(name) ? [] : shownTexts(item, [...path, name]),
  );
}

/** Faults of the keys: plain English, keys without a text, and texts without a use. */
function faults(manifest: Manifest, texts: Readonly<Record<string, string>>): string[] {
  const { description, capabilities, contributes } = manifest;
  const shown = shownTexts({ description, capabilities, contributes });
  const plain = shown.filter(([, text]) => text !== productName && !/^%[\w.]+%$/.test(text)).map(([path]) => `${path} is plain English`);
  const used = new Set([...JSON.stringify(manifest).matchAll(/"%([^"%]+)%"/g)].map(([, key]) => key ?? ''));
  const missing = [...used].filter((key) => !texts[key]?.trim()).map((key) => `${key} has no text`);
  const unused = Object.keys(texts).filter((key) => !used.has(key));
  return [...plain, ...missing, ...unused.map((key) => `${key} is not used`)];
}

describe('The texts of the manifest', () => {
  const manifest = (): Manifest => JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  const texts = readManifestTexts();

  it('all stand in package.nls.json, and each is used', () => {
    assert.deepEqual(faults(manifest(), texts), []);
    assert.ok(Object.keys(texts).length > 70);
  });

  it('are complete after VS Code has put them in', () => {
    assert.deepEqual(JSON.stringify(withTexts(manifest(), texts)).match(/"%[^"]*%"/g), null);
  });

  it('control: plain English, a missing text and an unused text are reported', () => {
    const plain = JSON.stringify(manifest()).replace('"%command.refresh%"', '"Refresh"');
    assert.deepEqual(faults(JSON.parse(plain), texts), ['contributes.commands.8.title is plain English', 'command.refresh is not used']);
    const { 'command.refresh': _, ...fewer } = texts;
    assert.deepEqual(faults(manifest(), { ...fewer, other: 'Other' }), ['command.refresh has no text', 'other is not used']);
    assert.deepEqual(
      shownTexts({ contributes: { configuration: { properties: { a: { enumItemLabels: ['One'] } } } } }).map(([path]) => path),
      ['contributes.configuration.properties.a.enumItemLabels.0'],
    );
  });
});
