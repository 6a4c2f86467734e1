import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { readManifest } from '../../scripts/editor/stageExtension.ts';
import { readSources } from '../../scripts/imports.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';
import { bundleFile, bundleText, collectTexts } from '../../scripts/texts.ts';

describe('The English bundle', () => {
  const files = readSources(projectRoot);
  const { texts, faults } = collectTexts(files);

  it('holds every text that the code translates, and no other (renewed by `node scripts/texts.ts`)', () => {
    assert.deepEqual(faults, []);
    assert.equal(readFileSync(bundleFile, 'utf8'), bundleText(texts));
    assert.equal((readManifest() as { readonly l10n?: string }).l10n, './l10n');
  });

  it('holds whole texts: none begins or ends as a part of another', () => {
    const parts = texts.filter((text) => text !== text.trim() || /^[,;.)]|[,;(]$/.test(text));
    assert.deepEqual(parts, []);
  });

  it('control: a new text, a text that is not literal, and one that is translated too early are found', () => {
    const of = (text: string) => collectTexts([{ path: 'extension/x.ts', text }]);
    assert.deepEqual(of(`f(t('It\\'s {0}.', name), msg("a 'b'"), x.t('c'), split('d'));`).texts, ["It's {0}.", "a 'b'"]);
    assert.equal(of('const f = () => t(`Stop ${name}`);').faults.length, 1);
    assert.equal(of("const f = () => t('Stop ' + name);").faults.length, 1);
    assert.equal(of('const f = () => t(name);').faults.length, 1);
    assert.deepEqual(of('// t(name) is not collected\nconst a = 1;').faults, []);
    assert.equal(of("const label = t('Stop');").faults.length, 1);
    assert.equal(of("const labels = {\n  stop: t('Stop'),\n};").faults.length, 1);
    assert.equal(of("const labels = {\n  stop: msg('Stop'),\n};\nconst f = (): string => t('Go');").faults.length, 0);
    const planted = collectTexts([...files, { path: 'extension/x.ts', text: "f(t('A text that the bundle lacks'));" }]);
    assert.notEqual(readFileSync(bundleFile, 'utf8'), bundleText(planted.texts));
  });
});
